/** The two channels between preload and main process. The page never learns their names. */
export const callChannel = 'fovea:call';
export const eventChannel = 'fovea:event';
