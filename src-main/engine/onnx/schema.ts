/**
 * The part of the ONNX protobuf schema that models of this project use, as a protobufjs descriptor.
 * Source: onnx/onnx.proto3 (field numbers are part of the format). Fields left out are skipped on reading.
 */
import protobuf from 'protobufjs/light.js';

const field = (type: string, id: number, repeated = false) => ({ type, id, ...(repeated ? { rule: 'repeated' } : {}) });

const root = protobuf.Root.fromJSON({
  nested: {
    onnx: {
      nested: {
        ModelProto: {
          fields: {
            irVersion: field('int64', 1),
            producerName: field('string', 2),
            producerVersion: field('string', 3),
            graph: field('GraphProto', 7),
            opsetImport: field('OperatorSetIdProto', 8, true),
            metadataProps: field('StringStringEntryProto', 14, true),
          },
        },
        OperatorSetIdProto: { fields: { domain: field('string', 1), version: field('int64', 2) } },
        StringStringEntryProto: { fields: { key: field('string', 1), value: field('string', 2) } },
        GraphProto: {
          fields: {
            node: field('NodeProto', 1, true),
            name: field('string', 2),
            initializer: field('TensorProto', 5, true),
            input: field('ValueInfoProto', 11, true),
            output: field('ValueInfoProto', 12, true),
            valueInfo: field('ValueInfoProto', 13, true),
          },
        },
        NodeProto: {
          fields: {
            input: field('string', 1, true),
            output: field('string', 2, true),
            name: field('string', 3),
            opType: field('string', 4),
            attribute: field('AttributeProto', 5, true),
            domain: field('string', 7),
          },
        },
        AttributeProto: {
          fields: {
            name: field('string', 1),
            f: field('float', 2),
            i: field('int64', 3),
            s: field('bytes', 4),
            t: field('TensorProto', 5),
            g: field('GraphProto', 6),
            floats: field('float', 7, true),
            ints: field('int64', 8, true),
            strings: field('bytes', 9, true),
            type: field('int32', 20),
          },
        },
        TensorProto: {
          fields: {
            dims: field('int64', 1, true),
            dataType: field('int32', 2),
            floatData: field('float', 4, true),
            int32Data: field('int32', 5, true),
            int64Data: field('int64', 7, true),
            name: field('string', 8),
            rawData: field('bytes', 9),
            doubleData: field('double', 10, true),
            dataLocation: field('int32', 14),
          },
        },
        ValueInfoProto: { fields: { name: field('string', 1), type: field('TypeProto', 2) } },
        TypeProto: { fields: { tensorType: field('TensorTypeProto', 1) } },
        TensorTypeProto: { fields: { elemType: field('int32', 1), shape: field('TensorShapeProto', 2) } },
        TensorShapeProto: { fields: { dim: field('DimensionProto', 1, true) } },
        DimensionProto: { fields: { dimValue: field('int64', 1), dimParam: field('string', 2) } },
      },
    },
  },
});

/** protobufjs hands 64-bit integers over as numbers or as Long objects, depending on what is installed. */
export type Int64 = number | { toNumber(): number };

export interface TensorProto {
  dims?: Int64[];
  dataType?: number;
  floatData?: number[];
  int32Data?: number[];
  int64Data?: Int64[];
  doubleData?: number[];
  name?: string;
  rawData?: Uint8Array;
  dataLocation?: number;
}
export interface AttributeProto {
  name?: string;
  f?: number;
  i?: Int64;
  s?: Uint8Array;
  t?: TensorProto;
  g?: GraphProto;
  floats?: number[];
  ints?: Int64[];
  strings?: Uint8Array[];
  type?: number;
}
export interface NodeProto {
  input?: string[];
  output?: string[];
  name?: string;
  opType?: string;
  attribute?: AttributeProto[];
  domain?: string;
}
export interface ValueInfoProto {
  name?: string;
  type?: { tensorType?: { elemType?: number; shape?: { dim?: { dimValue?: Int64; dimParam?: string }[] } } };
}
export interface GraphProto {
  node?: NodeProto[];
  name?: string;
  initializer?: TensorProto[];
  input?: ValueInfoProto[];
  output?: ValueInfoProto[];
  valueInfo?: ValueInfoProto[];
}
export interface ModelProto {
  irVersion?: Int64;
  producerName?: string;
  producerVersion?: string;
  graph?: GraphProto;
  opsetImport?: { domain?: string; version?: Int64 }[];
  metadataProps?: { key?: string; value?: string }[];
}

const modelType = root.lookupType('onnx.ModelProto');

export function encodeModel(model: ModelProto): Uint8Array {
  return modelType.encode(modelType.fromObject(model)).finish();
}

/** Throws where the bytes are not a protobuf message. */
export function decodeModel(bytes: Uint8Array): ModelProto {
  return modelType.decode(bytes) as unknown as ModelProto;
}

export const toNumber = (value: Int64 | undefined): number =>
  value === undefined ? 0 : typeof value === 'number' ? value : value.toNumber();
