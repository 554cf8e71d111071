/** The tools, by their id; complete by type. */
import type { ToolId } from '../types.ts';
import { AreaTool } from './area-tools.ts';
import { BoxTool } from './box-tool.ts';
import { BrushTool } from './brush-tool.ts';
import { KeypointsTool } from './keypoints-tool.ts';
import { cutHoleTool, lassoTool, polygonTool, splitTool } from './path-kinds.ts';
import { RotatedBoxTool } from './rotated-box-tool.ts';
import { SelectTool } from './select-tool.ts';
import type { Tool, ToolContext } from './tool.ts';

const makers: { [Id in ToolId]: (context: ToolContext) => Tool } = {
  select: (context) => new SelectTool(context),
  box: (context) => new BoxTool(context),
  'rotated-box': (context) => new RotatedBoxTool(context),
  polygon: polygonTool,
  'cut-hole': cutHoleTool,
  split: splitTool,
  brush: (context) => new BrushTool(context, 'brush'),
  eraser: (context) => new BrushTool(context, 'eraser'),
  fill: (context) => new AreaTool(context, 'fill'),
  'lasso-add': (context) => lassoTool(context, 'lasso-add'),
  'lasso-subtract': (context) => lassoTool(context, 'lasso-subtract'),
  wand: (context) => new AreaTool(context, 'wand'),
  keypoints: (context) => new KeypointsTool(context),
};

export function createTool(id: ToolId, context: ToolContext): Tool {
  return makers[id](context);
}
