import { describe, expect, it } from 'vitest';
import { paneColumns } from '../../../src-renderer/state/pane-view.svelte.ts';

const image = { widthPx: 320, heightPx: 240 };

describe('panes of one image', () => {
  it.each([
    {
      panes: 3,
      room: { widthPx: 1650, heightPx: 870 },
      columns: 3,
      why: 'as large in two rows, one place of them empty',
    },
    { panes: 2, room: { widthPx: 1000, heightPx: 500 }, columns: 2, why: 'a wide room' },
    { panes: 2, room: { widthPx: 500, heightPx: 1000 }, columns: 1, why: 'a high room' },
    { panes: 4, room: { widthPx: 1000, heightPx: 800 }, columns: 2, why: 'two by two' },
    {
      panes: 3,
      room: { widthPx: 700, heightPx: 900 },
      columns: 1,
      why: 'a column without an empty place, nearly as large',
    },
    {
      panes: 5,
      room: { widthPx: 1000, heightPx: 900 },
      columns: 2,
      why: 'an empty place, but much larger than in a row',
    },
  ])('$panes in $room.widthPx × $room.heightPx: $why', ({ panes, room, columns }) => {
    expect(paneColumns(panes, room, image)).toBe(columns);
  });
});
