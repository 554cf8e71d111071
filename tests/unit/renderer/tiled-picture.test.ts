/** A large picture in tiles: which of them a view needs, in which order they come, and what is freed. */
import { afterEach, expect, test, vi } from 'vitest';
import { tileLevels } from '../../../src-main/contract/model/tiles.ts';
import { TiledPicture, tilesOf } from '../../../src-renderer/canvas/drawing/tiled-picture.ts';
import { screenPoint } from '../../../src-renderer/canvas/viewport.ts';

afterEach(() => vi.unstubAllGlobals());

const size = { widthPx: 16_000, heightPx: 12_500 };

test('a view needs the tiles that it touches and no others', () => {
  expect(tilesOf(size, 0, [500, 500, 513, 513])).toEqual([
    { level: 0, column: 0, row: 0 },
    { level: 0, column: 1, row: 0 },
    { level: 0, column: 0, row: 1 },
    { level: 0, column: 1, row: 1 },
  ]);
  // Beyond the edges there is nothing.
  expect(tilesOf(size, 0, [15_900, 12_400, 99_999, 99_999])).toEqual([{ level: 0, column: 31, row: 24 }]);
  expect(tilesOf(size, tileLevels(size) - 1, [-5, -5, 99_999, 99_999])).toEqual([{ level: 5, column: 0, row: 0 }]);
  expect(tilesOf(size, 1, [-900, -900, -10, 300])).toEqual([]);
});

interface Drawing {
  drawn: [unknown, number, number, number, number][];
  context: CanvasRenderingContext2D;
}

function drawing(): Drawing {
  const drawn: Drawing['drawn'] = [];
  const context = {
    drawImage: (picture: unknown, x: number, y: number, width: number, height: number) =>
      drawn.push([picture, x, y, width, height]),
  };
  return { drawn, context: context as unknown as CanvasRenderingContext2D };
}

async function openFake() {
  const asked: string[] = [];
  const open = new Set<unknown>();
  const answers: (() => void)[] = [];
  const bitmap = (name: string, width: number) => {
    const made = { name, width, height: width, close: () => open.delete(made) };
    open.add(made);
    return made as unknown as ImageBitmap;
  };
  const tiles = {
    size,
    previewUrl: 'small',
    tileUrl: (level: number, column: number, row: number) => `${level}/${column}.${row}`,
  };
  const picture = await TiledPicture.open(tiles, (url) => {
    if (url === 'small') return Promise.resolve(bitmap(url, 2048));
    asked.push(url);
    return new Promise((resolve) => answers.push(() => resolve(bitmap(url, 512))));
  });
  const answer = async () => {
    for (const one of answers.splice(0)) one();
    await new Promise((resolve) => setTimeout(resolve, 0));
  };
  return { picture, asked, open, answer };
}

const view = { widthPx: 1000, heightPx: 800 };

test('far away the small picture is enough; near, the tiles in sight come and are drawn where they belong', async () => {
  const { picture, asked, answer } = await openFake();
  const far = { scale: 0.0625, origin: screenPoint(0, 0) };
  const first = drawing();
  picture.draw(first.context, { viewport: far, view, ratio: 1 }, () => {});
  expect(first.drawn).toMatchObject([[{ name: 'small' }, 0, 0, 1000, 781.25]]);
  expect(asked).toEqual([]);

  let news = 0;
  const near = { scale: 1, origin: screenPoint(-1024, -512) };
  const draw = () => {
    const to = drawing();
    picture.draw(to.context, { viewport: near, view, ratio: 1 }, () => (news += 1));
    return to.drawn;
  };
  expect(draw()).toHaveLength(1);
  expect(asked).toEqual(['0/2.1', '0/3.1', '0/2.2', '0/3.2']);
  await answer();
  expect(news).toBe(4);
  expect(draw().slice(1)).toMatchObject([
    [{ name: '0/2.1' }, 0, 0, 512, 512],
    [{ name: '0/3.1' }, 512, 0, 512, 512],
    [{ name: '0/2.2' }, 0, 512, 512, 512],
    [{ name: '0/3.2' }, 512, 512, 512, 512],
  ]);
  expect(asked).toHaveLength(4);
});

test('pixels are read of the part in sight once its tiles are there, at the level that is shown', async () => {
  const { picture, answer } = await openFake();
  const drawn: unknown[][] = [];
  const made: number[][] = [];
  vi.stubGlobal(
    'OffscreenCanvas',
    class {
      constructor(...size: number[]) {
        made.push(size);
      }
      getContext = () => ({
        drawImage: (bitmap: { name: string }, ...at: number[]) => drawn.push([bitmap.name, ...at]),
        getImageData: () => ({ data: new Uint8ClampedArray(0) }),
      });
    },
  );
  const read = await picture.readPixels();
  const half = { viewport: { scale: 0.5, origin: screenPoint(-600, -100) }, view, ratio: 1 };
  expect(read(half)).toBeNull();
  picture.draw(drawing().context, half, () => {});
  await answer();
  // From pixel 1200, 200 on, two pixels a sample.
  expect(read(half)).toMatchObject({ widthPx: 1000, heightPx: 800, part: [1200, 200, 3200, 1800] });
  expect(made).toEqual([[1000, 800]]);
  expect(drawn).toEqual([
    ['1/1.0', -88, -100],
    ['1/2.0', 424, -100],
    ['1/3.0', 936, -100],
    ['1/1.1', -88, 412],
    ['1/2.1', 424, 412],
    ['1/3.1', 936, 412],
  ]);
  drawn.length = 0;
  const whole = { viewport: { scale: 0.0625, origin: screenPoint(0, 0) }, view, ratio: 1 };
  expect(read(whole)).toMatchObject({ widthPx: 2048, heightPx: 2048, part: [0, 0, 16_000, 12_500] });
  expect(drawn).toEqual([['small', 0, 0]]);
});

test('what a quick pan has overtaken is not asked for; closing frees everything, also what comes later', async () => {
  const { picture, asked, open, answer } = await openFake();
  const at = (x: number) => ({ scale: 1, origin: screenPoint(-x, 0) });
  const wide = { widthPx: 4000, heightPx: 500 };
  picture.draw(drawing().context, { viewport: at(0), view: wide, ratio: 1 }, () => {});
  expect(asked).toHaveLength(6);
  picture.draw(drawing().context, { viewport: at(8192), view, ratio: 1 }, () => {});
  await answer();
  expect(asked.slice(6)).toEqual(['0/16.0', '0/17.0', '0/16.1', '0/17.1']);
  expect(picture.sizeBytes).toBe(4 * (2048 * 2048 + 6 * 512 * 512));
  picture.rest();
  expect(open.size).toBe(1);
  picture.close();
  await answer();
  expect(open.size).toBe(0);
});
