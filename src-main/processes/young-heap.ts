/**
 * What a process that reads large data sets is started with: half of V8's young heap is 16 MB instead of the 64 MB that it
 * takes where there is much memory, which saves a hundred megabytes and costs such work a tenth of its processor time.
 */
export const smallYoungHeap: readonly string[] = ['--max-semi-space-size=16'];
