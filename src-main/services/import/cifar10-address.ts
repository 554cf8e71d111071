/** Where CIFAR-10 is published. Source: https://www.cs.toronto.edu/~kriz/cifar.html */

export interface PublishedFile {
  url: string;
  fileName: string;
  md5: string;
}

/** Tests name a local server with FOVEA_CIFAR10_URL, and with FOVEA_CIFAR10_MD5 the checksum of what it serves. */
export function publishedCifar10(environment: NodeJS.ProcessEnv = process.env): PublishedFile {
  return {
    url: environment['FOVEA_CIFAR10_URL'] || 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
    fileName: 'cifar-10-binary.tar.gz',
    md5: environment['FOVEA_CIFAR10_MD5'] || 'c32a1d4ab5d03f1284b67883e8d87530',
  };
}
