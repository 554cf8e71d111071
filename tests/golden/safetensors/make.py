"""Makes tiny.safetensors with nothing but struct and json, from the format's specification alone."""
import json
import pathlib
import struct

tensors = [
    ("counts", "I64", [2], struct.pack("<2q", -1, 2**53 + 1)),
    ("conv1.weight", "F32", [2, 1, 1, 3], struct.pack("<6f", 0.1, -0.2, 0.3, 1e-30, -0.0, 65504.0)),
    ("ordinals", "I32", [1, 2], struct.pack("<2i", -(2**31), 7)),
    ("half", "F16", [4], struct.pack("<4e", 1.5, -0.25, 65504.0, 5.960464477539063e-08)),
    ("brain", "BF16", [3], struct.pack("<3H", 0x3F80, 0xC048, 0x7F80)),  # 1.0, -3.125, +infinity
    ("mask", "U8", [3], bytes([0, 127, 255])),
    ("scalar", "U8", [], bytes([9])),
    ("empty", "U8", [0, 4], b""),
]
header, data = {"__metadata__": {"format": "pt", "grüße": "naïve ✓"}}, b""
for name, dtype, shape, values in tensors:
    header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
    data += values
text = json.dumps(header, ensure_ascii=False).encode()
text += b" " * (-len(text) % 8)
pathlib.Path(__file__).with_name("tiny.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + data)
