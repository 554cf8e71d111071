/** The window's colours for runs and classes in the light theme (tokens.css), because reports and pictures are printed. */
export const palette = [
  '#b87900',
  '#2b93cc',
  '#008764',
  '#8f8400',
  '#1d4fa8',
  '#c25500',
  '#b0558a',
  '#6b6b6b',
  '#4e79a7',
  '#c93f42',
  '#3d7f77',
  '#47853d',
  '#91590f',
  '#8a5f84',
  '#c0566a',
  '#7c5a45',
];
