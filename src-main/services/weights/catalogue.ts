/**
 * Published weights: where they are, what they are, and what may be done with them. The addresses, hashes and sizes are
 * the publishers' own: torchvision's file names carry the beginning of their SHA-256, and GitHub states that of
 * Ultralytics' release assets (but see `yolov8HeadFiles`). Sizes of torchvision's files are those of their tensors.
 */
import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { FoveaError } from '../../contract/errors.ts';
import type { RunConfig } from '../../contract/model/run.ts';
import { catalogueEntry, type CatalogueEntry } from '../../contract/model/weights.ts';

const imagenetLicence = {
  name: 'BSD-3-Clause (code); ImageNet’s terms (data)',
  consequence:
    'Free to download. The publisher says that pretrained models may come under terms of the data they were trained on, and ImageNet is given for non-commercial research and teaching. Whether you may use what you train from them commercially is yours to judge.',
  restrictive: false,
};

const agpl = {
  name: 'AGPL-3.0',
  consequence:
    'Strong copyleft. What you train from these weights is, in the publisher’s view, a derived work: who passes it on, or lets others use it over a network, must offer it and the program around it under AGPL-3.0, or buy Ultralytics’ enterprise licence. Private use and study are free.',
  restrictive: true,
};

/** Network, hash in the file's name, bytes, and the file's name before the hash where it is not the network's. */
const torchvisionFiles: readonly (readonly [
  network: string,
  label: string,
  hash: string,
  bytes: number,
  file?: string,
])[] = [
  ['resnet18', 'ResNet-18', 'f37072fd', 46_796_608],
  ['resnet34', 'ResNet-34', 'b627a593', 87_259_072],
  ['resnet50', 'ResNet-50', '0676ba61', 102_441_032],
  ['resnet101', 'ResNet-101', '63fe2227', 178_618_848],
  ['mobilenet_v2', 'MobileNetV2', 'b0353104', 14_156_352],
  ['vgg11', 'VGG-11', '8a719046', 531_453_344],
  ['vgg11_bn', 'VGG-11 with batch norm', '6002323d', 531_497_440],
  ['vgg13', 'VGG-13', '19584684', 532_191_392],
  ['vgg13_bn', 'VGG-13 with batch norm', 'abd245e5', 532_238_576],
  ['vgg16', 'VGG-16', '397923af', 553_430_176],
  ['vgg16_bn', 'VGG-16 with batch norm', '6c64b313', 553_497_864],
  ['vgg19', 'VGG-19', 'dcbb9e9d', 574_668_960],
  ['vgg19_bn', 'VGG-19 with batch norm', 'c79401a0', 574_757_152],
  ['efficientnet-b0', 'EfficientNet-B0', '7f5810bc', 21_322_648, 'efficientnet_b0_rwightman'],
  ['efficientnet-b1', 'EfficientNet-B1', 'bac287d4', 31_425_480, 'efficientnet_b1_rwightman'],
  ['efficientnet-b2', 'EfficientNet-B2', 'c35c1473', 36_710_800, 'efficientnet_b2_rwightman'],
  ['efficientnet-b3', 'EfficientNet-B3', 'b3899882', 49_282_736, 'efficientnet_b3_rwightman'],
  ['efficientnet-b4', 'EfficientNet-B4', '23ab8bcd', 77_868_032, 'efficientnet_b4_rwightman'],
  ['efficientnet-b5', 'EfficientNet-B5', '1a07897c', 122_251_008, 'efficientnet_b5_lukemelas'],
  ['efficientnet-b6', 'EfficientNet-B6', '24a108a5', 173_061_616, 'efficientnet_b6_lukemelas'],
  ['efficientnet-b7', 'EfficientNet-B7', 'c5b4e57e', 266_636_024, 'efficientnet_b7_lukemelas'],
];

/** torchvision builds these with PyTorch's own ε; the others, and ours, have the paper's 1e-3. */
const defaultEpsilon: ReadonlySet<string> = new Set(
  ['b0', 'b1', 'b2', 'b3', 'b4'].map((variant) => `efficientnet-${variant}`),
);

const yolov8Files = [
  ['n', 'f59b3d833e2ff32e194b5bb8e08d211dc7c5bdf144b90d2c8412c47ccfc83b36', 6_549_796],
  ['s', '1f47a78bf100391c2a140b7ac73a1caae18c32779be7d310658112f7ac9aa78a', 22_588_772],
  ['m', '5d4a90cdc7a21786cc59cd19778e9eafff836df9e2da32524737c7ee6efe4fe5', 52_136_884],
  ['l', '64c9115303f6a25575f82200d1b22ec409fa6bd7d08d0313884fc20d919478cd', 87_792_836],
  ['x', '3df4ada6b4dad6d657868f2fdf7faecfb34dcfccf3a25c4b82079064718524c8', 136_890_692],
] as const;

/**
 * NOTE: hashes and sizes of these are as other projects that check the same files state them, two or more for n-seg, s-seg and the
 * poses. Of the classifiers and the larger poses none was found, and without a hash nothing is downloaded.
 */
const yolov8HeadFiles = [
  ['seg', 'n', 'v8.4.0', 'a7cd8f929e1903d78a12a48efecab430209f18dc46cb96c3599a5980c63c423c', 7_071_756],
  ['seg', 's', 'v8.4.0', '0bac0770b55e5eb5b76a61bc535673288dcec36c2bc0cd25ee0d584c632f3413', 23_914_764],
  ['seg', 'm', 'v8.4.0', '51fa7e5ef385efa6d5b1d8e31b73399be6ed5d7ca71bda4bd4b2794bb445c4f4', 54_921_020],
  ['seg', 'l', 'v8.4.0', 'ca3ec94c445aeaf79c2b57982fb451060f18a7561e2c20b4d26bb9dc1fcabf93', 92_417_004],
  ['seg', 'x', 'v8.4.0', 'c333d6a7aff884ec821050eacdab29871f3edd10d996cf48746a02f8e01f1b5d', 144_101_612],
  ['pose', 'n', 'v8.3.0', 'c6fa93dd1ee4a2c18c900a45c1d864a1c6f7aba75d84f91648a30b7fb641d212', 6_832_633],
  ['pose', 's', 'v8.3.0', '234314cd8baf62616791aceb9ea6ad5c19f26cf6c0d8f3a1bfce1e23b186cfb3', 23_513_657],
] as const;

const yolov8Release = (release: string): string => `https://github.com/ultralytics/assets/releases/download/${release}`;
const yolov8Facts = {
  publisher: 'Ultralytics',
  licence: agpl,
  padding: 'symmetric',
  scaling: 'zero-to-one',
  normEpsilon: null,
} as const;

/** Trained by this app on drawn images; it has never seen a photograph. `npm run sample:weights` makes one anew and prints its size and hash. */
const drawnCountryside: CatalogueEntry = {
  id: 'fovea-yolov8n-countryside',
  label: 'YOLOv8n, drawn countryside scenes',
  publisher: 'Fovea',
  trainedOn: '600 drawn scenes of tractors, cows, boats and balloons; no photographs, not COCO',
  bundled: true,
  url: '',
  fileName: 'yolov8n-countryside.safetensors',
  sizeBytes: 6_071_576,
  sha256Prefix: '078450c0ed64d6f0e693876768d981f7808b940818cc73bc18c3372b4da7eced',
  licence: {
    name: 'Apache-2.0',
    consequence:
      'As free as the app itself. It is for trying transfer on the sample project, and of little use for photographs.',
    restrictive: false,
  },
  padding: 'symmetric',
  scaling: 'zero-to-one',
  normEpsilon: 1e-3,
  networks: ['', '-seg', '-pose'].map((head) => `yolov8${head}n`),
};

/** Of those with a head everything but the head; of the classifier the backbone. */
const detectorNetworks = (size: string): string[] =>
  ['', '-seg', '-pose', '-cls'].map((head) => `yolov8${head}${size}`);

const published: readonly CatalogueEntry[] = [
  ...torchvisionFiles.map(([network, label, hash, sizeBytes, file = network]): CatalogueEntry => {
    const fileName = `${file}-${hash}.pth`;
    return {
      id: `torchvision-${network}`,
      label: `${label}, ImageNet`,
      publisher: 'torchvision',
      trainedOn: 'ImageNet-1k',
      url: `https://download.pytorch.org/models/${fileName}`,
      fileName,
      sizeBytes,
      sha256Prefix: hash,
      licence: imagenetLicence,
      padding: 'symmetric',
      scaling: 'imagenet',
      normEpsilon: defaultEpsilon.has(network) ? 1e-5 : null,
      networks: [network],
    };
  }),
  ...yolov8Files.map(([size, sha256Prefix, sizeBytes]): CatalogueEntry => {
    const fileName = `yolov8${size}.pt`;
    return {
      id: `ultralytics-yolov8${size}`,
      label: `YOLOv8${size}, COCO`,
      ...yolov8Facts,
      trainedOn: 'COCO 2017',
      url: `${yolov8Release('v8.3.0')}/${fileName}`,
      fileName,
      sizeBytes,
      sha256Prefix,
      networks: detectorNetworks(size),
    };
  }),
  ...yolov8HeadFiles.map(([head, size, release, sha256Prefix, sizeBytes]): CatalogueEntry => {
    const fileName = `yolov8${size}-${head}.pt`;
    return {
      id: `ultralytics-yolov8${size}-${head}`,
      label: `YOLOv8${size}-${head}, COCO`,
      ...yolov8Facts,
      trainedOn: head === 'pose' ? 'COCO 2017, people with 17 points' : 'COCO 2017, with outlines',
      url: `${yolov8Release(release)}/${fileName}`,
      fileName,
      sizeBytes,
      sha256Prefix,
      networks: [`yolov8-${head}${size}`],
    };
  }),
  drawnCountryside,
];

/** Tests put a list of their own in its place, with FOVEA_WEIGHTS_CATALOGUE: a JSON file of entries. */
export function catalogue(environment: NodeJS.ProcessEnv = process.env): readonly CatalogueEntry[] {
  const file = environment['FOVEA_WEIGHTS_CATALOGUE'];
  return file ? v.parse(v.array(catalogueEntry), JSON.parse(readFileSync(file, 'utf8'))) : published;
}

/** Throws FoveaError `not-found`. */
export function catalogued(id: string): CatalogueEntry {
  const entry = catalogue().find((each) => each.id === id);
  if (entry) return entry;
  throw new FoveaError('not-found', `There are no weights “${id}” in the catalogue.`, { id });
}

/** What catalogue entries call the network: an encoder stands for the network that is built over it. */
export function networkName({ id, options: { encoder, size } }: RunConfig['model']): string {
  if (typeof encoder === 'string') return encoder;
  return typeof size === 'string' ? id + size : id;
}
