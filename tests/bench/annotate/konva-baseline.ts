/**
 * The same outlines as plain Konva nodes, one each, in the same page: what the editor would cost if it were drawn as
 * Konva's examples draw it. Moved and zoomed by the same mouse.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { repository } from '../../helpers/app-session.ts';
import { heightPx, widthPx } from './scene.ts';

/** Runs in the page, where Konva is there as it is published; takes the rings. */
const stageScript = `(rings) => {
  const canvas = document.querySelector('[role="application"]').getBoundingClientRect();
  const host = document.createElement('div');
  host.style.cssText = 'position: fixed; z-index: 30; background: #333; left: ' + canvas.left + 'px; top: ' + canvas.top + 'px';
  document.body.append(host);
  const stage = new Konva.Stage({ container: host, width: canvas.width, height: canvas.height, draggable: true });
  const layer = new Konva.Layer();
  const colours = ['#e69f00', '#56b4e9', '#009e73', '#f0e442', '#0072b2', '#d55e00', '#cc79a7', '#999999'];
  rings.forEach((points, index) => {
    const colour = colours[index % colours.length];
    const settings = { points, closed: true, stroke: colour, fill: colour + '55', strokeWidth: 1.75 };
    layer.add(new Konva.Line({ ...settings, strokeScaleEnabled: false }));
  });
  stage.add(layer);
  const scale = Math.min(canvas.width / ${widthPx}, canvas.height / ${heightPx});
  stage.scale({ x: scale, y: scale });
  stage.on('wheel', (event) => {
    event.evt.preventDefault();
    const old = stage.scaleX();
    const next = old * Math.exp(-event.evt.deltaY * 0.002);
    const pointer = stage.getPointerPosition();
    stage.scale({ x: next, y: next });
    stage.position({
      x: pointer.x - ((pointer.x - stage.x()) / old) * next,
      y: pointer.y - ((pointer.y - stage.y()) / old) * next,
    });
  });
  layer.draw();
  window.removeKonvaNodes = () => {
    stage.destroy();
    host.remove();
  };
}`;

/** Puts a stage over the page; the returned function takes it away. */
export async function showKonvaNodes(page: Page, rings: readonly (readonly number[])[]): Promise<() => Promise<void>> {
  await page.evaluate(readFileSync(join(repository, 'node_modules', 'konva', 'konva.min.js'), 'utf8'));
  await page.evaluate(`(${stageScript})(${JSON.stringify(rings)})`);
  return () => page.evaluate('window.removeKonvaNodes()');
}
