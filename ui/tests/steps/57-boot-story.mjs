// A boot that did not arrive, as the server would tell it: what it died of stands first, with what shows it and the
// command to take along; silences are bars with their sentence; what is hostile in it stays text.

import { check } from '../world.mjs';

const BEGAN = Date.UTC(2026, 10, 26, 13, 22, 1);
const MAC = '52:54:00:aa:00:09';
const ID = 'b7q3kx9md';
const EVIL = '<img src=x onerror=executed++>"\'`${executed++}`';

const dhcp = (at, asked, answer, more = {}) => ({
  at: BEGAN + at, until: BEGAN + at, stage: 'firmware', link: 'br0', times: 1,
  says: `${asked} → ${answer ?? 'silence'}${more.address ? ` ${more.address}` : ''}${more.file ? `, file ${more.file}` : ''}`,
  what: { kind: 'dhcp', asked, answer, why: null, address: null, file: null, no_file: null, loader: null, attempt: 1, card: MAC, program: 'firmware', firmware: 'pxe', relay: null, server: null, port: 67, asking_s: 0, ...more },
});
const file = (at, took, stage, by, name, size, more = {}) => ({
  at: BEGAN + at, until: BEGAN + at + took, stage, link: 'br0', times: 1,
  says: more.says ?? `${by.toUpperCase()} ${name}: ${size} bytes in ${took / 1000} s`,
  what: { kind: 'transfer', file: name, by, to: '10.77.0.104', size, sent: size, took_ms: took, waited_ms: 300, again: 0, state: 'done', why: null, cut: null, named_by_us: true, ...more },
});
const gap = (from, until, after, before, means, usual, source = null) => ({ from: BEGAN + from, until: BEGAN + until, after, before, means, usual, source });

export const story = {
  name: 'lab-010',
  outcome: 'stopped at kernel',
  arrived: false,
  trouble: [7],
  story: {
    id: ID, machine: MAC, firmware: 'pxe', arch: 'x64-uefi', vendor_class: `PXEClient:Arch:00007 ${EVIL}`, links: ['br0'], cards: [MAC], relays: [], addresses: ['10.77.0.104'],
    deployment: null, from: BEGAN, until: BEGAN + 96_000, furthest: 'kernel', ending: { how: 'stopped' }, next: null, left_out: 0,
    steps: [
      dhcp(0, 'DISCOVER', 'OFFER', { address: '10.77.0.104', file: 'loader/snponly-x64.efi' }),
      dhcp(4_000, 'REQUEST', 'ACK', { address: '10.77.0.104', file: 'loader/snponly-x64.efi' }),
      file(16_000, 9_300, 'loader', 'tftp', 'loader/snponly-x64.efi', 90_000, { again: 106, waited_ms: 1_200 }),
      { ...dhcp(26_300, 'DISCOVER', 'OFFER', { address: '10.77.0.104', file: 'http://10.77.0.1/boot.ipxe', program: 'ipxe' }), stage: 'loader' },
      { at: BEGAN + 27_000, until: BEGAN + 27_000, stage: 'script', link: 'br0', times: 1, says: 'iPXE script: boot debian-12 version 1', what: { kind: 'script', form: 'iPXE script', decision: 'boot debian-12 version 1', does: 'boot' } },
      file(27_300, 1_900, 'kernel', 'http', 'image/debian-12/1/linux', 8_200_000),
      file(29_400, 14_000, 'kernel', 'http', 'image/debian-12/1/initrd.gz', 41_000_000),
      file(43_500, 1_200, 'kernel', 'http', `image/debian-12/1/${EVIL}`, 900_000, { state: 'failed', sent: 40_000, why: 'the client closed the connection', cut: { cut: 'closed' }, says: `HTTP image/debian-12/1/${EVIL}: ended at 39 KiB of 879 KiB: the client closed the connection` }),
    ],
    gaps: [
      gap(0, 4_000, 'firmware', 'firmware', 'firmware waits for a second offer', true, 'RFC 4578; EDK2 waits 4 s'),
      gap(4_000, 16_000, 'firmware', 'loader', 'it has its address and looks for the server (ARP, the file over TFTP)', false),
      gap(44_700, 96_000, 'kernel', null, 'nothing that is known of such machines explains it', false),
    ],
    totals: { again: 106, bytes: 49_290_000, dhcp: 3, events: 40, failed: 1, files: 3, log_lines: 0, missed: 0, repeated: 0, silent_ms: 16_000, tftp_bytes: 90_000, unanswered: 0 },
    diagnoses: [],
  },
};
const diagnosis = {
  machine: MAC, name: 'lab-010', boot: ID, from: BEGAN, until: BEGAN + 96_000, furthest: 'kernel', ending: { how: 'stopped' }, outcome: 'stopped at kernel', waits_until: null,
  diagnoses: [
    { code: 'transfer-cut', certainty: 'likely', fault: 'surroundings', verdict: `the transfer of ${EVIL} ended early, and the machine did not ask again`, remedy: 'look at its screen; compare its memory with what `bootwright explain lab-010` says that the image needs',
      evidence: [{ at: BEGAN + 43_500, says: story.story.steps[7].says }, { at: null, says: 'the machine has 512 MiB of memory' }] },
    { code: 'too-little-memory', certainty: 'possible', fault: 'peer', verdict: 'it has 512 MiB of memory, and the image needs 780 MiB', remedy: 'give it more memory, or something smaller', evidence: [] },
  ],
  mend: { says: 'take its own profile away', role: 'operator', method: 'PATCH', path: `/machines/${encodeURIComponent(MAC)}`, body: { profile: '' } },
};

export default async function (world) {
  const { page } = world;
  await page.route(`**/api/v1/boots/${ID}`, (route) => route.fulfill({ json: story }));
  await page.route('**/api/v1/machines/*/diagnosis**', (route) => route.fulfill({ json: diagnosis }));
  await world.goto(`/boots/${ID}`);
  await page.getByRole('heading', { name: 'Why it did not arrive' }).waitFor();
  await page.getByText('transfer-cut').waitFor();
  // What went wrong is what is chosen.
  await page.getByText('the client closed the connection').first().waitFor();
  await page.getByRole('button', { name: 'Copy: bootwright explain lab-010' }).waitFor();
  const bars = page.getByRole('option', { name: /firmware waits for a second offer/ });
  await world.waitFor(async () => (await bars.count()) === 1, 'a silence is a bar with its sentence');
  await world.look('boot-story');
  const width = async () => (await bars.boundingBox()).width;
  const short = await width();
  await page.getByLabel('True to time').check();
  await world.waitFor(async () => (await width()) < short, 'true to time, a short silence is short beside a long one');
  await page.getByLabel('True to time').uncheck();

  await page.getByRole('listbox', { name: 'Timeline' }).focus();
  await page.keyboard.press('Home');
  const chosen = () => page.getByRole('listbox').getAttribute('aria-activedescendant');
  const seen = new Set();
  for (let at = 0; at < 11; at += 1) {
    const one = await chosen();
    seen.add(one);
    await page.keyboard.press('ArrowRight');
    // Behind the last one nothing comes.
    if (at < 10) await world.waitFor(async () => (await chosen()) !== one, `an arrow goes on from the ${at + 1}th`);
  }
  check(seen.size === 11, `the arrows reach ${seen.size} of 11`);
  await page.getByRole('table').getByRole('button').first().click();
  await page.getByText('DISCOVER → OFFER 10.77.0.104', { exact: false }).first().waitFor();

  // What mends it is shown first as the server would do it.
  await page.getByRole('button', { name: 'Take its own profile away …' }).click();
  await page.getByRole('dialog').locator('.preview li, .preview [role=alert]').first().waitFor();
  await world.look('boot-mend');
  await page.keyboard.press('Escape');
  await page.unrouteAll({ behavior: 'ignoreErrors' });
  await world.settled();
}
