/** Where the download of CIFAR-10 goes to. */
import { downloadableDatasets } from '../../contract/model/dataset.ts';

export interface PublishedFile {
  url: string;
  fileName: string;
  md5: string;
}

/** Tests name a local server with FOVEA_CIFAR10_URL, and with FOVEA_CIFAR10_MD5 the checksum of what it serves. */
export function publishedCifar10(environment: NodeJS.ProcessEnv = process.env): PublishedFile {
  const { url, md5 } = downloadableDatasets.cifar10;
  return {
    url: environment['FOVEA_CIFAR10_URL'] || url,
    fileName: 'cifar-10-binary.tar.gz',
    md5: environment['FOVEA_CIFAR10_MD5'] || md5,
  };
}
