/**
 * How the memory of a child that trains is kept, where its C library is glibc. A step goes through hundreds of megabytes, and
 * asks for the same again in the next one: all of it lies in one heap, which gives nothing back in between.
 */
const variable = 'GLIBC_TUNABLES';
const settings: Readonly<Record<string, number>> = {
  // Pages of 2 MB, where the kernel leaves that to programs: of small ones a step has more than a processor keeps the addresses of.
  hugetlb: 1,
  arena_max: 1,
  mmap_threshold: 2 ** 32,
  trim_threshold: 2 ** 34,
  // Scraps beside large blocks that are held back for small ones leave holes that are just too small for the next large block.
  tcache_count: 0,
  mxfast: 0,
};

/** The environment with glibc asked for that; what it says on one of the settings already stands. */
export function withKeptMemory(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  if (process.platform !== 'linux') return environment;
  const known = environment[variable]?.split(':') ?? [];
  const own = Object.entries(settings)
    .map(([name, value]) => [`glibc.malloc.${name}`, value] as const)
    .filter(([name]) => !known.some((other) => other.startsWith(`${name}=`)))
    .map(([name, value]) => `${name}=${value}`);
  return { ...environment, [variable]: [...known, ...own].join(':') };
}
