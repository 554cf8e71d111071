/**
 * Has a child's arrays lie in pages of 2 MB, where the C library is glibc and the kernel leaves that to programs. A training
 * step goes through hundreds of megabytes, more small pages than a processor keeps the addresses of.
 */
const variable = 'GLIBC_TUNABLES';
const setting = 'glibc.malloc.hugetlb';

/** The environment with glibc asked for large pages; what it says on them already stands. */
export function withHugePages(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const known = environment[variable];
  if (known?.includes(setting)) return environment;
  return { ...environment, [variable]: [...(known ? [known] : []), `${setting}=1`].join(':') };
}
