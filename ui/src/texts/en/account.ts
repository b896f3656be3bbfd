export const account = {
  title: 'Your account',
  facts: { name: 'Name', role: 'Role', scope: 'Sees', until: 'This session ends' },
  everything: 'everything',
  password: {
    title: 'Change your password',
    lead: 'Everywhere else you are signed in, that ends.',
    old: 'The password you have',
    new: 'The new one',
    hint: 'At least 10 characters. A few words are better than a riddle.',
    again: 'The new one again',
    differs: 'The two are not the same.',
    submit: 'Change it',
    done: 'Your password is changed. Your other sessions are over.',
  },
  notYours: 'You came in without a password, so there is none to change.',
};
