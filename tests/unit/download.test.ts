/** The download against a local server that behaves in every way a server can. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { downloadFile, type DownloadOptions } from '../../src-main/services/import/download.ts';
import type { JobProgress } from '../../src-main/services/jobs.ts';
import { rejectionOf } from '../helpers/errors.ts';
import { cutAfter, ignoreRange, serveFile, type FileServer } from '../helpers/file-server.ts';
import { seededRandom, writeArchive, writeCifar10 } from '../helpers/generated-data.ts';
import { createProjectFixture, temporaryFolder } from '../helpers/service-fixture.ts';

const random = seededRandom(5);
const CONTENT = Buffer.from(Uint8Array.from({ length: 300_000 }, () => random() * 256));
const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

interface Setup {
  server: FileServer;
  file: string;
  reports: JobProgress[];
  abort: AbortController;
  download(changes?: Partial<DownloadOptions>): Promise<void>;
}

async function setUp(): Promise<Setup> {
  const server = await serveFile(CONTENT);
  const file = join(await temporaryFolder(), 'downloads', 'file.tar.gz');
  const reports: JobProgress[] = [];
  const abort = new AbortController();
  const hash = { algorithm: 'md5', start: md5(CONTENT) } as const;
  const options = { url: server.url, file, hash, signal: abort.signal, retryDelaysMs: [1, 1] };
  const report = (progress: JobProgress): void => void reports.push(progress);
  return { server, file, reports, abort, download: (changes = {}) => downloadFile({ ...options, report, ...changes }) };
}

// A proxy of the machine that runs the tests must not come between them and their server.
beforeEach(() => void vi.stubEnv('NO_PROXY', '127.0.0.1').stubEnv('no_proxy', '127.0.0.1'));
afterEach(() => void vi.unstubAllEnvs());

test('a whole download, with its progress', async () => {
  const { server, file, reports, download } = await setUp();
  await download();
  expect(readFileSync(file).equals(CONTENT)).toBe(true);
  expect(existsSync(`${file}.part`)).toBe(false);
  expect(server.ranges).toEqual([null]);
  expect(reports[0]).toEqual({ step: 'Downloading file.tar.gz', done: 0, total: 300_000, unit: 'bytes' });
  expect(reports.filter(({ done }) => done !== undefined).at(-1)).toEqual({ done: 300_000 });
  expect(reports.at(-1)).toEqual({ step: 'Checking file.tar.gz' });
});

test('a file that is there already is not asked for again', async () => {
  const { server, download } = await setUp();
  await download();
  await download();
  expect(server.ranges).toHaveLength(1);
});

test('a cut connection is taken up where it broke, by itself', async () => {
  const { server, file, reports, download } = await setUp();
  server.behave(cutAfter(CONTENT, 100_000));
  await download();
  expect(readFileSync(file).equals(CONTENT)).toBe(true);
  expect(server.ranges).toEqual([null, 'bytes=100000-', 'bytes=200000-']);
  expect(reports).toContainEqual({ step: 'Connection lost; trying again' });
});

test('after attempts in vain the part stays, and the next download goes on from it', async () => {
  const { server, file, download } = await setUp();
  let requests = 0;
  server.behave((request, response) => {
    if (requests++ === 0) cutAfter(CONTENT, 120_000)(request, response);
    else response.destroy();
  });
  const error = await rejectionOf(download());
  expect(error.code).toBe('network');
  expect(error.message).toMatch(
    /^The connection to 127\.0\.0\.1:\d+ failed: .+\. Check the network and start the download again; it goes on from where it stopped\.$/,
  );
  expect(server.ranges).toEqual([null, 'bytes=120000-', 'bytes=120000-', 'bytes=120000-'].slice(0, requests));
  expect(requests).toBe(3); // the first attempt brought bytes, so the two pauses count from there
  expect(readFileSync(`${file}.part`)).toHaveLength(120_000);
  server.behave(null);
  await download();
  expect(server.ranges.at(-1)).toBe('bytes=120000-');
  expect(readFileSync(file).equals(CONTENT)).toBe(true);
});

test('a server that knows no ranges sends it all again', async () => {
  const { server, file, download } = await setUp();
  server.behave((request, response) => {
    cutAfter(CONTENT, 50_000)(request, response);
    server.behave(ignoreRange(CONTENT));
  });
  await download();
  expect(server.ranges).toEqual([null, 'bytes=50000-']);
  expect(readFileSync(file).equals(CONTENT)).toBe(true);
});

test('a part that was complete already is only checked', async () => {
  const { server, file, download } = await setUp();
  await download();
  writeFileSync(`${file}.part`, CONTENT);
  writeFileSync(file, 'something else took its name');
  await download();
  expect(server.ranges).toEqual([null, 'bytes=300000-']);
  expect(readFileSync(file).equals(CONTENT)).toBe(true);
});

test('a wrong checksum is told, and the part dropped', async () => {
  const { server, file, download } = await setUp();
  const error = await rejectionOf(download({ hash: { algorithm: 'md5', start: 'c32a1d4ab5d03f1284b67883e8d87530' } }));
  expect(error.code).toBe('network');
  expect(error.message).toBe(
    `file.tar.gz: what ${server.url} delivered is not the expected file (md5 ${md5(CONTENT)}, expected ` +
      'c32a1d4ab5d03f1284b67883e8d87530). It was deleted. Try again, or download the file yourself and choose it here.',
  );
  expect(existsSync(file)).toBe(false);
  expect(existsSync(`${file}.part`)).toBe(false);
});

test('a cancel keeps the part for the next time', async () => {
  const { server, file, abort, download } = await setUp();
  server.behave((_request, response) =>
    response.writeHead(200, { 'content-length': CONTENT.length }).write(CONTENT.subarray(0, 80_000)),
  );
  const downloading = download();
  while (!existsSync(`${file}.part`) || readFileSync(`${file}.part`).length < 80_000)
    await new Promise((resolve) => setTimeout(resolve, 5));
  abort.abort();
  await expect(downloading).rejects.toBe(abort.signal.reason);
  expect(existsSync(file)).toBe(false);
  server.behave(null);
  await download({ signal: new AbortController().signal });
  expect(server.ranges).toEqual([null, 'bytes=80000-']);
});

test('a cancel before the server answers', async () => {
  const { server, abort, download } = await setUp();
  server.behave(() => abort.abort());
  const reason: unknown = await download().catch((error: unknown) => error);
  expect(abort.signal.aborted).toBe(true);
  expect(reason).toBe(abort.signal.reason);
});

test.each([
  [404, 'Not Found'],
  [503, 'Service Unavailable'],
])('the server answers %i', async (status, text) => {
  const { server, file, download } = await setUp();
  server.behave((_request, response) => response.writeHead(status).end('no'));
  const error = await rejectionOf(download());
  expect(error.code).toBe('network');
  expect(error.message).toBe(
    `${server.url} answered ${status} ${text}. Try again later, or download the file yourself and choose it here.`,
  );
  expect(existsSync(`${file}.part`)).toBe(false);
});

test('redirects are followed, but not for ever', async () => {
  const { server, file, download } = await setUp();
  server.behave((request, response) => {
    server.behave(null);
    response.writeHead(302, { location: `${request.url}?mirror` }).end();
  });
  await download();
  expect(readFileSync(file).equals(CONTENT)).toBe(true);
  server.behave((_request, response) => response.writeHead(301, { location: '/round' }).end());
  const error = await rejectionOf(download({ file: `${file}2` }));
  expect(error.message).toBe(`${server.url} redirects more than 5 times.`);
});

test('a server that is not there', async () => {
  const { download } = await setUp();
  const error = await rejectionOf(download({ url: 'http://127.0.0.1:9/x' }));
  expect(error.message).toContain('The connection to 127.0.0.1:9 failed: connect ECONNREFUSED');
});

test.runIf(process.platform === 'linux')('a full disk', async () => {
  const { file, download } = await setUp();
  await download(); // makes the folder
  symlinkSync('/dev/full', `${file}2.part`);
  const error = await rejectionOf(download({ file: `${file}2` }));
  expect(error.code).toBe('io');
  expect(error.message).toBe(
    `Could not save the download: ${file}2.part: the disk is full. Free some space and try again.`,
  );
});

/** A forward proxy for plain HTTP that counts what goes through it. */
async function startProxy(): Promise<{ url: string; requests: string[] }> {
  const requests: string[] = [];
  const proxy: Server = createServer();
  const forward = (target: string, send: (upstream: ReturnType<typeof connect>) => void): void => {
    const { hostname, port } = new URL(target);
    const upstream = connect(Number(port), hostname, () => send(upstream));
  };
  proxy.on('request', (request, response) => {
    requests.push(request.url ?? '');
    forward(request.url ?? '', (upstream) => {
      upstream.write(`GET ${new URL(request.url ?? '').pathname} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      upstream.pipe(response.socket!);
    });
  });
  proxy.on('connect', (request, socket) => {
    requests.push(request.url ?? '');
    forward(`http://${request.url}`, (upstream) => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, requests };
}

test('the proxy of the environment is used', async () => {
  const { file, download } = await setUp();
  const proxy = await startProxy();
  vi.stubEnv('HTTP_PROXY', proxy.url);
  vi.stubEnv('http_proxy', proxy.url);
  vi.stubEnv('NO_PROXY', '');
  vi.stubEnv('no_proxy', '');
  await download();
  expect(readFileSync(file).equals(CONTENT)).toBe(true);
  expect(proxy.requests).toHaveLength(1);
});

test('CIFAR-10 is downloaded, checked and imported as one job, and leaves no archive behind', async () => {
  const fixture = await createProjectFixture();
  const { projectId } = fixture.opened.project;
  const { folder } = await writeCifar10(join(fixture.scratch, 'cifar'), { perClass: 20, seed: 1 });
  const archive = join(fixture.scratch, 'c.tar.gz');
  await writeArchive(folder, archive);
  const server = await serveFile(readFileSync(archive));
  vi.stubEnv('FOVEA_CIFAR10_URL', server.url);
  vi.stubEnv('FOVEA_CIFAR10_MD5', md5(readFileSync(archive)));
  expect(server.ranges).toEqual([]); // nothing is asked for before the person asks
  const job = await fixture.handlers['dataset.download']({ projectId, source: 'cifar10' });
  await expect(fixture.handlers['dataset.download']({ projectId, source: 'cifar10' })).rejects.toMatchObject({
    code: 'busy',
    message: 'cifar-10-binary.tar.gz is being downloaded already. Wait for it, or cancel it.',
  });
  const ended = await fixture.ended(job);
  expect(ended).toMatchObject({ kind: 'download', state: 'done', unit: 'images', done: 240, total: 240, datasetId: 1 });
  const [dataset] = await fixture.handlers['dataset.list']({ projectId });
  expect(dataset).toMatchObject({
    name: 'CIFAR-10',
    source: server.url,
    splitCounts: { train: 200, val: 0, test: 40 },
  });
  expect(existsSync(join(fixture.userDataFolder, 'downloads', 'cifar-10-binary.tar.gz'))).toBe(false);

  const second = await fixture.ended(await fixture.handlers['dataset.download']({ projectId, source: 'cifar10' }));
  expect(second.datasetId).toBe(2);
  expect((await fixture.handlers['dataset.list']({ projectId }))[0]?.name).toBe('CIFAR-10 (2)');
});

test('a download that is wrong in the end makes no data set', async () => {
  const fixture = await createProjectFixture();
  const { projectId } = fixture.opened.project;
  const server = await serveFile(CONTENT);
  vi.stubEnv('FOVEA_CIFAR10_URL', server.url);
  const job = await fixture.ended(await fixture.handlers['dataset.download']({ projectId, source: 'cifar10' }));
  expect(job).toMatchObject({ state: 'failed', datasetId: null, error: { code: 'network' } });
  expect(job.error?.message).toContain('expected c32a1d4ab5d03f1284b67883e8d87530');
  expect(await fixture.handlers['dataset.list']({ projectId })).toEqual([]);
});
