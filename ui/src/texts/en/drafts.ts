// Words of what is written and tried before it is saved, in whatever view.

export const trial = {
  group: 'The machine',
  machine: 'Try it on',
  machineHint: 'Name or MAC of a machine',
  arch: 'As',
  asHeard: 'as heard',
  network: 'Network',
  takenAs: (what: string) => `Taken as ${what}.`,
  nobody: 'Name a machine to try it on; a MAC that was never heard is good, too.',
};

export const code = { copy: 'Copy', copied: 'Copied.', notCopied: 'The browser did not let it be copied.' };

export const editor = { at: (line: number, column: number | null) => (column === null ? `Line ${line}` : `Line ${line}, column ${column}`) };

export const draft = {
  unsaved: 'Not saved yet',
  discard: 'Discard',
  again: 'These are your changes from before; they are not saved yet.',
  stale: 'Somebody else changed it meanwhile. Discard yours to see what is there now, or save over it knowingly.',
  over: 'Save over it',
  refused: 'It would not be saved as it is',
};
