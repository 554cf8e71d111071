/** Graphs to ONNX model files and back. The only place that knows both our graphs and the protobuf messages. */
import { FoveaError } from '../../contract/errors.ts';
import type { OpRules } from './builder.ts';
import { ShapeError } from './errors.ts';
import { attributeTypes, contribDomains, elementTypes, irVersion, oldestOpset, opset } from '../onnx/facts.ts';
import {
  decodeModel,
  encodeModel,
  toNumber,
  type AttributeProto,
  type GraphProto,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from '../onnx/schema.ts';
import {
  allocate,
  dataTypes,
  fromBytes,
  isFloat,
  isFloats,
  isGraph,
  sizeOf,
  tensor,
  toBytes,
  type Attributes,
  type AttributeValue,
  type DataType,
  type Graph,
  type Node,
  type Tensor,
  type TensorType,
  type Value,
} from './types.ts';

type InferOutputs = OpRules['inferOutputs'];

export interface WriteOptions {
  /**
   * The file does not say how large values are: no axis of an input has a length, and the shapes that operators ask for are
   * inputs with a default. Where onnxruntime knows two values to be of one shape, it gives the second the first one's memory
   * and keeps that in between, from the forward pass to the end of the backward pass. What it knows nothing of, it lets go once
   * nobody reads it any more.
   */
  hidesSizes?: boolean;
  /**
   * An empty sequence comes before the results. onnxruntime-node copies results into JavaScript one by one, those too that
   * were written where the caller wanted them, and stops at the first that is no tensor.
   */
  stopsCopies?: boolean;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The bytes of an .onnx file. `metadata` is written as the model's key-value properties. */
export function writeModel(
  graph: Graph,
  metadata: Readonly<Record<string, string>> = {},
  { hidesSizes = false, stopsCopies = false }: WriteOptions = {},
): Uint8Array {
  const used = domainsOf(graph);
  const domains = Object.entries({ '': opset, ...contribDomains }).filter(
    ([domain]) => domain === '' || used.has(domain),
  );
  const proto = hidesSizes ? withoutSizes(graph) : graphToProto(graph);
  return encodeModel({
    irVersion,
    producerName: 'fovea',
    graph: stopsCopies ? behindSequence(proto) : proto,
    opsetImport: domains.map(([domain, version]) => ({ domain, version })),
    metadataProps: Object.entries(metadata).map(([key, value]) => ({ key, value })),
  });
}

function domainsOf({ nodes }: Graph): Set<string> {
  const bodies = nodes.flatMap(({ attributes }) =>
    Object.values(attributes).filter((value) => value !== undefined && isGraph(value)),
  );
  return new Set([...nodes.map(({ domain }) => domain), ...bodies.flatMap((body) => [...domainsOf(body)])]);
}

function graphToProto(graph: Graph): GraphProto {
  return {
    name: graph.name,
    node: graph.nodes.map(nodeToProto),
    initializer: graph.initializers.map((value) => tensorToProto(value.constant!, value.name)),
    input: graph.inputs.map((input) => valueToProto(input)),
    output: graph.outputs.map((output) => valueToProto(output)),
  };
}

function behindSequence(proto: GraphProto): GraphProto {
  const name = 'stops copies';
  const node = { name, opType: 'SequenceEmpty', domain: '', input: [], output: [name], attribute: [] };
  return { ...proto, node: [node, ...(proto.node ?? [])], output: [{ name }, ...(proto.output ?? [])] };
}

/** Operators whose second input says which shape the result has. */
const shaping = new Set(['Reshape', 'Expand', 'ConstantOfShape']);

function withoutSizes(graph: Graph): GraphProto {
  const shapes = new Set(shapesAskedFor(graph));
  const asked = graph.initializers.filter(({ name }) => shapes.has(name));
  const open = graph.inputs.map((input) => valueToProto(input, () => ({})));
  return { ...graphToProto(graph), input: [...open, ...asked.map((value) => valueToProto(value))] };
}

function shapesAskedFor({ nodes }: Graph): string[] {
  return nodes.flatMap(({ opType, inputs, attributes }) => {
    const bodies = Object.values(attributes).filter((value) => value !== undefined && isGraph(value));
    const shape = shaping.has(opType) ? inputs.at(opType === 'ConstantOfShape' ? 0 : 1) : null;
    return [...(shape?.constant ? [shape.name] : []), ...bodies.flatMap(shapesAskedFor)];
  });
}

function nodeToProto(node: Node): NodeProto {
  return {
    name: node.name,
    opType: node.opType,
    domain: node.domain,
    input: node.inputs.map((value) => value?.name ?? ''),
    output: node.outputs.map((value) => value.name),
    attribute: Object.entries(node.attributes)
      .filter((entry): entry is [string, AttributeValue] => entry[1] !== undefined)
      .map(([name, value]) => attributeToProto(name, value)),
  };
}

function attributeToProto(name: string, value: AttributeValue): AttributeProto {
  if (typeof value === 'number') return { name, i: value, type: attributeTypes.int };
  if (typeof value === 'string') return { name, s: encoder.encode(value), type: attributeTypes.string };
  if (Array.isArray(value)) {
    return typeof value[0] === 'string'
      ? { name, strings: (value as string[]).map((s) => encoder.encode(s)), type: attributeTypes.strings }
      : { name, ints: value as number[], type: attributeTypes.ints };
  }
  const object = value as Exclude<AttributeValue, number | string | readonly number[] | readonly string[]>;
  if (isFloat(object)) return { name, f: object.float, type: attributeTypes.float };
  if (isFloats(object)) return { name, floats: [...object.floats], type: attributeTypes.floats };
  if (isGraph(object)) return { name, g: graphToProto(object), type: attributeTypes.graph };
  return { name, t: tensorToProto(object, ''), type: attributeTypes.tensor };
}

function tensorToProto(value: Tensor, name: string): TensorProto {
  return { name, dims: [...value.shape], dataType: elementTypes[value.dataType], rawData: toBytes(value.data) };
}

function valueToProto(
  { name, dataType, shape }: Value,
  dimension: (dimValue: number) => { dimValue?: number } = (dimValue) => ({ dimValue }),
): ValueInfoProto {
  const dim = shape.map((length) => dimension(length));
  return { name, type: { tensorType: { elemType: elementTypes[dataType], shape: { dim } } } };
}

/**
 * Shapes of node outputs are not in the file; `inferOutputs` supplies them (the op table does).
 * Throws FoveaError `bad-input` for bytes that are no model, for nodes that do not fit their inputs and for tensors
 * whose size does not fit their shape; `unsupported` for other opsets, operators, attributes, element types and for
 * dimensions that are not fixed.
 */
export function readModel(
  bytes: Uint8Array,
  inferOutputs: InferOutputs,
): { graph: Graph; metadata: Record<string, string> } {
  let model;
  try {
    model = decodeModel(bytes);
  } catch (cause) {
    throw new FoveaError('bad-input', 'This is not an ONNX model: it is damaged or of another format.', {}, { cause });
  }
  if (!model.graph) throw new FoveaError('bad-input', 'This ONNX model holds no graph.');
  checkOpset(model);
  const graph = graphFromProto(model.graph, new Map(), inferOutputs);
  const metadata = Object.fromEntries((model.metadataProps ?? []).map((p) => [p.key ?? '', p.value ?? '']));
  return { graph, metadata };
}

function checkOpset(model: ModelProto): void {
  const version = toNumber(model.opsetImport?.find(({ domain }) => !domain)?.version);
  if (version >= oldestOpset && version <= opset) return;
  throw new FoveaError('unsupported', `This ONNX model uses opset ${version}. Supported: ${oldestOpset} to ${opset}.`, {
    opset: version,
  });
}

function graphFromProto(proto: GraphProto, outer: ReadonlyMap<string, Value>, inferOutputs: InferOutputs): Graph {
  const values = new Map(outer);
  const known = (name: string, node: string): Value => {
    const value = values.get(name);
    if (!value) throw new FoveaError('bad-input', `${node}: reads "${name}", which nothing before it makes.`, { node });
    return value;
  };
  const [constantNodes, operatorNodes] = split(proto.node ?? [], isConstantNode);
  const initializers = [
    ...(proto.initializer ?? []).map((item) => constantValue(item.name ?? '', item)),
    ...constantNodes.map((node) => constantValue(node.output?.[0] ?? '', node.attribute?.[0]?.t ?? {})),
  ];
  for (const value of initializers) values.set(value.name, value);
  const inputs = (proto.input ?? [])
    .filter((item) => !values.has(item.name ?? '') || outer.has(item.name ?? ''))
    .map(valueFromProto);
  for (const value of inputs) values.set(value.name, value);
  const nodes = operatorNodes.map((item): Node => {
    const name = item.name || `${item.opType}_${item.output?.[0]}`;
    const node = {
      name,
      opType: item.opType ?? '',
      domain: item.domain ?? '',
      inputs: (item.input ?? []).map((input) => (input ? known(input, name) : null)),
      attributes: attributesFromProto(item.attribute ?? [], name, values, inferOutputs),
    };
    const outputNames = item.output ?? [];
    const types = outputTypes(node, outputNames.length, inferOutputs);
    const outputs = outputNames.map((output, i): Value => ({ name: output, ...types[i]! }));
    for (const value of outputs) values.set(value.name, value);
    return { ...node, outputs };
  });
  const outputs = (proto.output ?? []).map((item) => known(item.name ?? '', `output of ${proto.name ?? 'graph'}`));
  return { name: proto.name ?? '', inputs, outputs, initializers, nodes };
}

/** A Constant node with a tensor is an initializer by another name. */
const isConstantNode = (node: NodeProto): boolean =>
  node.opType === 'Constant' && !node.domain && node.attribute?.[0]?.name === 'value';

function constantValue(name: string, proto: TensorProto): Value {
  const constant = tensorFromProto(proto);
  return { name, shape: constant.shape, dataType: constant.dataType, constant };
}

function split<T>(items: readonly T[], isFirst: (item: T) => boolean): [first: T[], second: T[]] {
  return [items.filter(isFirst), items.filter((item) => !isFirst(item))];
}

/** A rule that fails on a node of a file says something about the file. */
function outputTypes(node: Omit<Node, 'outputs'>, count: number, inferOutputs: InferOutputs): readonly TensorType[] {
  let types: readonly TensorType[];
  try {
    types = inferOutputs(node, count);
  } catch (cause) {
    if (cause instanceof FoveaError && cause.code === 'unsupported') throw cause;
    const reason =
      cause instanceof ShapeError
        ? `expected ${cause.context['expected']}, got ${cause.context['got']}`
        : 'inputs are missing or wrong';
    throw new FoveaError(
      'bad-input',
      `${node.name}: this ${node.opType} does not fit its inputs: ${reason}.`,
      { node: node.name },
      { cause },
    );
  }
  if (types.length < count) {
    throw new FoveaError(
      'bad-input',
      `${node.name}: ${node.opType} has ${types.length} outputs, but ${count} are asked for.`,
      { node: node.name },
    );
  }
  return types;
}

function attributesFromProto(
  protos: AttributeProto[],
  node: string,
  outer: ReadonlyMap<string, Value>,
  inferOutputs: InferOutputs,
): Attributes {
  const attributes: Record<string, AttributeValue> = {};
  for (const proto of protos) {
    const name = proto.name ?? '';
    switch (proto.type) {
      case attributeTypes.float:
        attributes[name] = { float: proto.f ?? 0 };
        break;
      case attributeTypes.int:
        attributes[name] = toNumber(proto.i);
        break;
      case attributeTypes.string:
        attributes[name] = decoder.decode(proto.s);
        break;
      case attributeTypes.tensor:
        attributes[name] = tensorFromProto(proto.t ?? {});
        break;
      case attributeTypes.graph:
        attributes[name] = graphFromProto(proto.g ?? {}, outer, inferOutputs);
        break;
      case attributeTypes.floats:
        attributes[name] = { floats: proto.floats ?? [] };
        break;
      case attributeTypes.ints:
        attributes[name] = (proto.ints ?? []).map(toNumber);
        break;
      case attributeTypes.strings:
        attributes[name] = (proto.strings ?? []).map((s) => decoder.decode(s));
        break;
      default:
        throw new FoveaError(
          'unsupported',
          `${node}: the attribute "${name}" has type ${proto.type}, which is not supported. Supported: ${Object.keys(attributeTypes).join(', ')}`,
          { node, attribute: name },
        );
    }
  }
  return attributes;
}

function dataTypeOf(elementType: number | undefined, where: string): DataType {
  const found = dataTypes.find((dataType) => elementTypes[dataType] === elementType);
  if (!found)
    throw new FoveaError(
      'unsupported',
      `${where}: element type ${elementType} is not supported. Supported: ${dataTypes.join(', ')}`,
    );
  return found;
}

function tensorFromProto(proto: TensorProto): Tensor {
  const name = proto.name || 'tensor';
  const dataType = dataTypeOf(proto.dataType, name);
  if (proto.dataLocation)
    throw new FoveaError('unsupported', `${name}: its data lie in another file, which is not supported.`);
  const shape = (proto.dims ?? []).map(toNumber);
  const width = allocate(dataType, 0).BYTES_PER_ELEMENT;
  if (proto.rawData && proto.rawData.length % width !== 0) {
    throw new FoveaError(
      'bad-input',
      `${name}: ${proto.rawData.length} bytes are no whole number of ${dataType} elements.`,
      { tensor: name },
    );
  }
  const numbers = [proto.floatData, proto.int32Data, proto.doubleData, proto.int64Data?.map(toNumber)].find(
    (list) => list?.length,
  );
  const value: Tensor = proto.rawData?.length
    ? { dataType, shape, data: fromBytes(dataType, proto.rawData) }
    : tensor(dataType, shape, numbers ?? []);
  if (value.data.length !== sizeOf(shape)) {
    throw new FoveaError('bad-input', `${name}: expected ${sizeOf(shape)} elements, got ${value.data.length}.`, {
      tensor: name,
    });
  }
  return value;
}

function valueFromProto(proto: ValueInfoProto): Value {
  const name = proto.name ?? '';
  const type = proto.type?.tensorType;
  const dims = type?.shape?.dim ?? [];
  const dynamic = dims.find((dim) => dim.dimParam);
  if (dynamic)
    throw new FoveaError(
      'unsupported',
      `${name}: the dimension "${dynamic.dimParam}" is not fixed; only static shapes are supported.`,
    );
  return { name, shape: dims.map((dim) => toNumber(dim.dimValue)), dataType: dataTypeOf(type?.elemType, name) };
}
