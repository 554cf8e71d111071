/** What a trainer's environment says to glibc. */
import { expect, test } from 'vitest';
import { withHugePages } from '../../src-main/processes/huge-pages.ts';

test('asks for large pages, beside what is asked for already', () => {
  expect(withHugePages({ PATH: '/bin' })).toEqual({ PATH: '/bin', GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' });
  expect(withHugePages({ GLIBC_TUNABLES: 'glibc.malloc.arena_max=2' })).toEqual({
    GLIBC_TUNABLES: 'glibc.malloc.arena_max=2:glibc.malloc.hugetlb=1',
  });
});

test('leaves what a person has set', () => {
  const own = { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=0' };
  expect(withHugePages(own)).toEqual(own);
});
