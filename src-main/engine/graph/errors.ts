/** Errors of graph building: they name the node, what was expected, and what was there. */
import { FoveaError } from '../../contract/errors.ts';
import { shapeText, type Shape } from './types.ts';

/** "conv1: expected [N, 3, H, W], got [1, 4, 8, 8]". */
export class ShapeError extends FoveaError {
  constructor(node: string, expected: string, got: Shape | string) {
    const actual = typeof got === 'string' ? got : shapeText(got);
    super('internal', `internal: ${node}: expected ${expected}, got ${actual}`, { node, expected, got: actual });
    this.name = 'ShapeError';
  }
}

export class UnsupportedOpError extends FoveaError {
  constructor(opType: string, domain: string, node: string, supported: readonly string[]) {
    const op = domain ? `${domain}.${opType}` : opType;
    super(
      'unsupported',
      `${node}: the operator ${op} (opset 18) is not supported. Supported: ${supported.join(', ')}`,
      {
        node,
        opType,
        domain,
      },
    );
    this.name = 'UnsupportedOpError';
  }
}

/** An attribute that the op's record does not know: passing it by would change results. */
export class UnsupportedAttributeError extends FoveaError {
  constructor(opType: string, attribute: string, node: string, supported: readonly string[]) {
    const known = supported.length > 0 ? supported.join(', ') : 'none';
    super('unsupported', `${node}: the attribute "${attribute}" of ${opType} is not supported. Supported: ${known}`, {
      node,
      opType,
      attribute,
    });
    this.name = 'UnsupportedAttributeError';
  }
}
