// Small pictures as paths on a grid of 20 by 20, drawn with the colour of the text beside them.

export const icons = {
  pulse: 'M2.5 10.5h3l2-5.5 4 10 2-4.5h4',
  machines: 'M3 4.5h14v4H3zM3 11.5h14v4H3zM6 6.5h.01M6 13.5h.01',
  images: 'M10 2.5 17 6v8l-7 3.5L3 14V6ZM3 6l7 3.5L17 6M10 9.5v8',
  add: 'M10 4v12M4 10h12',
  upload: 'M10 13V4M6.5 7 10 3.5 13.5 7M4 13v3h12v-3',
  pause: 'M7.5 5v10M12.5 5v10',
  play: 'M7 4.5v11l8.5-5.5Z',
  search: 'M9 15a6 6 0 1 1 0-12 6 6 0 0 1 0 12ZM13.5 13.5 17 17',
  menu: 'M3 5.5h14M3 10h14M3 14.5h14',
  close: 'M5 5l10 10M15 5 5 15',
  back: 'M12 4.5 6.5 10l5.5 5.5',
  check: 'M4.5 10.5 8.5 14.5 15.5 6',
  warn: 'M10 3.5 17.5 16.5h-15ZM10 8.5v3.5M10 14.2h.01',
  up: 'M5.5 12 10 7.5 14.5 12',
  down: 'M5.5 8 10 12.5 14.5 8',
  out: 'M8 4H4v12h4M12 6.5 15.5 10 12 13.5M15.5 10H8',
  networks: 'M10 3v4M10 7H4v4M10 7h6v4M2.5 11h3v4h-3zM8.5 11h3v4h-3zM14.5 11h3v4h-3zM10 7v4',
  leases: 'M4 3.5h12v13H4zM7 7.5h6M7 10.5h6M7 13.5h3',
  operations: 'M3 6h8M15 6h2M3 14h2M9 14h8M13 4v4M7 12v4',
  steps: 'M3 16h4v-4h4V8h4V4h2',
  copy: 'M7 7h9v9H7zM4 13V4h9',
  boots: 'M3 5h6M6 10h7M10 15h7',
  profile: 'M10 3 17 6.5 10 10 3 6.5ZM3 10l7 3.5 7-3.5M3 13.5 10 17l7-3.5',
  rules: 'M3 5h2M8 5h9M3 10h2M8 10h9M3 15h2M8 15h9',
  template: 'M5 2.5h7l3.5 3.5v11.5H5ZM12 2.5V6h3.5M7.5 10h5.5M7.5 13h5.5',
  screen: 'M2.5 4h15v10h-15ZM7 17h6M10 14v3',
  grip: 'M7.5 5h.01M12.5 5h.01M7.5 10h.01M12.5 10h.01M7.5 15h.01M12.5 15h.01',
  plus: 'M10 4v12M4 10h12',
} as const;

export type IconName = keyof typeof icons;
