/** Run by Electron as Node: decodes a picture file again and again with the app's codec, and says how many bytes that gave. */
import { imageCodec } from '../../src-main/services/image-codec.ts';

const [file = ''] = process.argv.slice(2);
const codec = await imageCodec();
let bytes = 0;
for (let round = 0; round < 50; round++) {
  const picture = codec(file).autoOrient().resize({ width: 32 }).removeAlpha();
  bytes += (await picture.raw().toBuffer()).length;
}
console.log(JSON.stringify({ electron: process.versions['electron'] !== undefined, bytes }));
