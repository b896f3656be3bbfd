// A thousand machines boot at once, as the server would tell of them: they are counted by what they were told and how
// far they are, each count leads to those behind it; what is wrong stands in the server's words, with what mends it.

import { check } from '../world.mjs';

const mac = (at) => `52:54:00:cc:${(at >> 8).toString(16).padStart(2, '0')}:${(at & 255).toString(16).padStart(2, '0')}`;
const totals = { again: 0, bytes: 0, dhcp: 4, events: 9, failed: 0, files: 1, log_lines: 0, missed: 0, repeated: 0, silent_ms: 0, tftp_bytes: 0, unanswered: 0 };
const stages = ['firmware', 'loader', 'kernel', 'kernel', 'kernel', 'kernel', 'script', 'installer'];

function boot(at) {
  const furthest = stages[at % stages.length];
  const stopped = at % 50 === 7;
  const now = Date.now();
  return {
    id: `b${at.toString(36).padStart(8, '0')}`, machine: mac(at), name: at % 4 ? `node-${String(at).padStart(4, '0')}` : null, from: now - 60_000, until: now - (at % 30) * 1_000,
    furthest, ending: { how: stopped ? 'stopped' : 'goes-on' }, outcome: stopped ? `stopped at ${furthest}` : `goes on, at ${furthest}`, arrived: false, links: ['br0'], deployment: null,
    told: furthest === 'firmware' ? null : at % 3 ? 'boot debian-12 version 1 (profile debian)' : 'boot rescue version 4 (profile rescue)', totals, mend: null,
    diagnosis: stopped ? { code: 'kernel-silent', certainty: 'likely', fault: 'surroundings', verdict: 'kernel and initrd went out, and the system does not ask for what it cannot do without', remedy: 'look at its screen; try other kernel arguments: `bootwright profile set debian --args ...`', evidence: [] } : null,
  };
}

export default async function (world) {
  const { page } = world;
  const all = Array.from({ length: 1_000 }, (_, at) => boot(at));
  const sent = [];
  await page.route('**/api/v1/boots?**', (route) => {
    const query = new URL(route.request().url()).searchParams;
    const of = all.filter((one) => (!query.get('ending') || one.ending.how === query.get('ending')) && (query.get('diagnosed') !== 'true' || one.diagnosis));
    return route.fulfill({ json: of });
  });
  await page.route('**/api/v1/doctor', async (route) => {
    const response = await route.fetch();
    const doctor = await response.json();
    doctor.wrong = [
      { says: 'rule 3 names the profile gone, which is not there', hint: '`bootwright rule remove 7`, or add the profile again', grave: false, mend: { says: 'remove the rule', role: 'operator', method: 'DELETE', path: '/rules/7', body: null } },
      ...doctor.wrong,
    ];
    return route.fulfill({ response, json: doctor });
  });
  await page.route('**/api/v1/rules/7**', (route) => {
    sent.push(new URL(route.request().url()).search);
    return route.fulfill({ json: { done: true, says: 'rule 7 is removed' } });
  });
  await world.goto('/now');
  await page.getByRole('heading', { name: '980 machines booting' }).waitFor();
  const groups = page.getByRole('region', { name: 'By what they were told and how far they are' });
  await groups.getByText('boot rescue version 4', { exact: false }).waitFor();
  await page.getByText('and 16 more').waitFor();
  await world.look('now-thousand');
  await groups.getByRole('button', { name: /^Kernel, boot debian-12/ }).click();
  await page.waitForURL(/stage=kernel&told=boot/);
  const count = await groups.getByRole('button', { name: /^Kernel, boot debian-12/ }).textContent();
  check(Number(count) > 0, `the number is ${count}`);
  await world.waitFor(async () => (await page.getByRole('grid').getAttribute('aria-rowcount')) === String(Number(count) + 1), 'as many are behind the number');
  await page.reload();
  await groups.waitFor();
  await page.getByRole('button', { name: /^All 1,000/ }).click();
  await page.getByRole('button', { name: /^Failed 20/ }).click();
  await page.getByRole('grid').getByText('kernel and initrd went out', { exact: false }).first().waitFor();

  await page.getByRole('button', { name: 'Copy: bootwright rule remove 7' }).waitFor();
  await page.getByRole('button', { name: 'Remove the rule …' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('rule 7 is removed').waitFor();
  await dialog.getByRole('button', { name: 'Do it' }).click();
  await dialog.waitFor({ state: 'detached' });
  check(sent.length === 2 && sent[0].includes('dry_run=true') && !sent[1].includes('dry_run=true'), sent.join(' '));
  await page.unrouteAll({ behavior: 'ignoreErrors' });
  await world.goto('/now');
  await world.settled();
}
