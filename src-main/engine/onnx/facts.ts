/** Numbers that the ONNX format fixes: element types, attribute types, versions. Source: onnx/onnx.proto3. */

export const opset = 18;
/** Before this one, operators of the same name mean other things. */
export const oldestOpset = 13;
/** IR version 9 goes with opsets 20 and below. */
export const irVersion = 9;

export const elementTypes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
  bfloat16: 16,
} as const;

export const attributeTypes = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
} as const;

/** onnxruntime's own operator domains, with the version to import. */
export const contribDomains = { 'com.microsoft': 1, 'com.microsoft.nchwc': 1 } as const;
