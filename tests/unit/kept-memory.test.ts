/** What a trainer's environment says to glibc. */
import { expect, test } from 'vitest';
import { withKeptMemory } from '../../src-main/processes/kept-memory.ts';

const asked = ({ GLIBC_TUNABLES }: NodeJS.ProcessEnv): string[] => GLIBC_TUNABLES?.split(':') ?? [];

test.runIf(process.platform === 'linux')('asks for large pages and one heap, beside what is asked for already', () => {
  const plain = withKeptMemory({ PATH: '/bin' });
  expect(plain['PATH']).toBe('/bin');
  expect(asked(plain)).toEqual(
    expect.arrayContaining(['glibc.malloc.hugetlb=1', 'glibc.malloc.mmap_threshold=4294967296']),
  );
  expect(asked(withKeptMemory({ GLIBC_TUNABLES: 'glibc.malloc.check=1' }))).toEqual([
    'glibc.malloc.check=1',
    ...asked(plain),
  ]);
});

test.runIf(process.platform === 'linux')('leaves what a person has set', () => {
  const own = asked(withKeptMemory({ GLIBC_TUNABLES: 'glibc.malloc.hugetlb=0' }));
  expect(own.filter((setting) => setting.includes('hugetlb'))).toEqual(['glibc.malloc.hugetlb=0']);
});
