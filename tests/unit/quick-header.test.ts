/** The quick look at JPEG and PNG headers says what the codec says, or nothing. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, test } from 'vitest';
import { QUICK_HEADER_BYTES, quickHeader } from '../../src-main/services/import/files/quick-header.ts';
import { photo } from '../helpers/generated-images.ts';
import { realData } from '../helpers/real-data.ts';

async function expectSame(file: Buffer, what: string): Promise<boolean> {
  const quick = quickHeader(file.subarray(0, QUICK_HEADER_BYTES));
  if (quick === null) return false;
  const { width, height, channels, format, orientation = 1 } = await sharp(file).metadata();
  expect(quick, what).toEqual({ mediaType: `image/${format}`, width, height, channels, orientation });
  return true;
}

test('sizes, channels and every orientation', async () => {
  for (let orientation = 1; orientation <= 8; orientation++) {
    const size = { widthPx: 31 + orientation, heightPx: 20 };
    expect(await expectSame(await photo({ ...size, orientation }), `JPEG ${orientation}`)).toBe(true);
    await expectSame(await photo({ ...size, orientation }, 'png'), `PNG ${orientation}`);
  }
  const base = sharp(await photo({ widthPx: 50, heightPx: 40 }));
  const kinds = {
    'grey JPEG': base.clone().greyscale().jpeg(),
    'progressive JPEG': base.clone().jpeg({ progressive: true }),
    'JPEG in CMYK': base.clone().toColourspace('cmyk').jpeg(),
    'grey PNG': base.clone().toColourspace('b-w').png(),
    'PNG with transparency': base.clone().ensureAlpha().png(),
    'PNG with a palette': base.clone().png({ palette: true }),
    '16-bit PNG': base.clone().toColourspace('rgb16').png(),
  };
  for (const [what, image] of Object.entries(kinds)) await expectSame(await image.toBuffer(), what);
});

test('what is cut, damaged or something else is left to the codec', async () => {
  const jpeg = await photo({ orientation: 6 });
  for (let length = 0; length < 200; length++) {
    const quick = quickHeader(jpeg.subarray(0, length));
    if (quick !== null) expect(quick).toMatchObject({ width: 40, height: 30, orientation: 6 });
  }
  expect(quickHeader(Buffer.from('hello, this is a text that is long enough'))).toBeNull();
  expect(quickHeader(await photo({}, 'webp'))).toBeNull();
});

const photos = realData('coco128/images/train2017');

test.skipIf(photos === null)('real photographs', async () => {
  const names = readdirSync(photos!);
  let quick = 0;
  for (const name of names) if (await expectSame(readFileSync(join(photos!, name)), name)) quick++;
  expect(quick).toBeGreaterThan(names.length * 0.9);
});
