// Names: switched off, with the way to switch them on; what is answered and why, records that are added, changed, removed
// and taken back, who did not get his name, what a question gets, and how the service does.

import { check } from '../world.mjs';

const at = (last) => `10.77.0.${last}`;
const mac = (last) => `52:54:00:ac:00:${last.toString(16).padStart(2, '0')}`;

export default async function (world) {
  const { page } = world;
  await world.goto('/names');
  await page.getByText('Names are not answered').waitFor();
  await page.getByText('listen   = true').waitFor();
  await world.look('names-off');

  const before = await world.api('GET', '/config');
  const domain = 'pool = ["10.77.0.100-10.77.0.199"]\ndomain = "lab.example"';
  const text = `${before.text.replace('pool = ["10.77.0.100-10.77.0.199"]', domain)}\n[dns]\nlisten = true\n`;
  await world.api('PUT', '/config', { text, seen: before.seen });
  const since = new Date(Date.now() - 3_600_000).toISOString().replace(/\.\d+/, '');
  const until = new Date(Date.now() + 7_200_000).toISOString().replace(/\.\d+/, '');
  const leases = Array.from({ length: 12 }, (_, n) => ({ address: at(180 + n), mac: mac(n), since, until, host_name: `node-${n}` }));
  leases[7].host_name = 'node-2';
  leases[8].host_name = '<b onmouseover=window.executed++>boo';
  await world.api('POST', '/leases/import', { leases });
  await world.api('POST', '/reservations', { address: at(30), holder: { mac: mac(40) }, host_name: 'printer-30' });

  await page.reload();
  const grid = page.getByRole('grid', { name: 'Names' });
  await grid.waitFor();
  const search = page.getByRole('searchbox');
  await search.fill('node-2');
  await grid.getByText('node-2.lab.example').first().waitFor();
  await page.waitForURL(/search=node-2/);
  await search.fill('printer-30');
  await grid.getByText(at(30)).first().waitFor();
  await search.fill('nobody-is-called-so');
  await page.getByText('None is like that').waitFor();
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await grid.waitFor();
  await page.getByRole('group', { name: 'From' }).getByRole('button', { name: /^client/ }).click();
  await page.waitForURL(/source=client/);
  await world.look('names', { moving: '.window' });

  // Whoever came second has his name by his hardware.
  await page.getByRole('button', { name: /^Duplicates/ }).click();
  await page.getByRole('link', { name: 'node-2.lab.example' }).waitFor();
  await page.getByText(mac(7)).first().waitFor();
  await world.look('names-duplicates', { moving: 'li p' });

  // Records.
  await page.getByRole('button', { name: /^Records/ }).click();
  await page.getByText('No operator has added a record').waitFor();
  await world.look('names-records-empty');
  await page.getByRole('button', { name: 'Add a record …' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('textbox', { name: 'Name', exact: true }).fill('www.elsewhere.example');
  await dialog.getByRole('textbox', { name: 'Leads to' }).fill(at(5));
  await dialog.getByRole('alert').waitFor();
  check(await dialog.getByRole('button', { name: 'Add a record' }).isDisabled(), 'what is refused is not sent');
  await world.look('names-record-refused');
  await dialog.getByRole('textbox', { name: 'Name', exact: true }).fill('www.lab.example');
  await dialog.getByText(`www.lab.example is A ${at(5)}`).waitFor();
  await dialog.getByRole('button', { name: 'Add a record' }).click();
  await dialog.waitFor({ state: 'detached' });
  await world.api('POST', '/dns/records', { name: 'note.lab.example', kind: 'TXT', data: 'hello, all of you' });
  await world.api('POST', '/dns/records', { name: '_ldap._tcp.lab.example', kind: 'SRV', data: '0 5 389 ldap.lab.example' });
  await page.reload();
  const records = page.getByRole('grid', { name: 'Records of operators' });
  await records.getByText('_ldap._tcp.lab.example').waitFor();
  await world.look('names-records');
  await search.fill('www');
  await records.getByText('_ldap._tcp.lab.example').waitFor({ state: 'detached' });
  await records.focus();
  await page.keyboard.press('Enter');
  await dialog.getByRole('textbox', { name: 'Leads to' }).fill(at(6));
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  await records.getByText(at(6)).waitFor();
  check(!(await world.api('GET', '/dns/records')).some((one) => one.data === at(5)), 'the old one is gone');
  await search.fill('note');
  await records.getByText('www.lab.example').waitFor({ state: 'detached' });
  await records.getByText('note.lab.example').waitFor();
  await records.focus();
  await page.keyboard.press('Space');
  await page.getByRole('button', { name: 'Remove …' }).click();
  await dialog.getByText('note.lab.example is no longer TXT', { exact: false }).waitFor();
  await dialog.getByRole('button', { name: 'Remove …' }).click();
  await dialog.waitFor({ state: 'detached' });
  await records.getByText('note.lab.example').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Undo' }).last().click();
  await records.getByText('note.lab.example').waitFor();

  // What a question gets.
  await page.getByRole('button', { name: /^Explain/ }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('www.lab.example');
  await page.keyboard.press('Enter');
  await page.getByText('an operator added the record').waitFor();
  await page.getByText(`www.lab.example 300 A ${at(6)}`).waitFor();
  await page.waitForURL(/name=www\.lab\.example/);
  await world.look('names-explain');
  await page.goto('/names?show=ask&name=debian.org&kind=AAAA');
  await page.getByText('it is in no zone of ours, and [dns] has no `upstream`').waitFor();
  await page.goto('/names?show=ask&name=..&kind=A');
  await page.getByRole('alert').getByText('is no name', { exact: false }).waitFor();

  // How it does: what the server says of upstreams and refusals is shown as it is.
  await page.goto('/names?show=service');
  await page.getByText('No question was refused since the start.').waitFor();
  await page.getByText('Questions for names, over UDP and TCP.').waitFor();
  const hostile = `${'a'.repeat(60)}.<script>window.executed++</script>.example`;
  await page.route('**/api/v1/dns', async (route) => {
    const response = await route.fetch();
    const upstream = (at, more) => ({ at, up: true, answered: since, took_ms: 12, failed: 0, why: null, ...more });
    await route.fulfill({ response, json: {
      ...(await response.json()),
      upstreams: [upstream('9.9.9.9:53'), upstream('149.112.112.112:53', { up: false, failed: 4, why: 'it did not answer in 1500 ms' }), upstream('10.1.0.53:53', { answered: null, took_ms: null })],
      asks: [{ domain: 'corp.example', servers: ['10.1.0.53:53'] }, { domain: null, servers: ['9.9.9.9:53', '149.112.112.112:53'] }],
      cache: { kept: 120, most: 8192, hits: 300, misses: 100, ended: 7, displaced: 3 },
      private: ['home.example'],
      refused: [
        { last: since, from: at(180), name: hostile, kind: 'A', ends: 'REFUSED', because: 'it is in no zone of ours, and [dns] has no `upstream`', times: 12 },
        { last: since, from: 'fd77::100', name: 'debian.org', kind: 'AAAA', ends: 'SERVFAIL', because: 'no server that is asked for it answered', times: 1 },
      ],
    } });
  });
  await page.goto('/names?show=service');
  await page.getByText('does not answer').waitFor();
  await page.getByText('names below corp.example').waitFor();
  await page.getByText('Questions whose answer was remembered: 75 %').waitFor();
  await page.getByText('12 times').waitFor();
  await world.look('names-service', { moving: 'dd' });
  await page.unrouteAll({ behavior: 'ignoreErrors' });

  // What the server refuses to say is said with what to do.
  const problem = { type: 'urn:bootwright:failed', title: 'It did not work', status: 500, detail: 'the store is read again', hint: 'try in a moment' };
  await page.route('**/api/v1/dns', (route) => route.fulfill({ status: 500, contentType: 'application/problem+json', body: JSON.stringify(problem) }));
  await page.goto('/names');
  await page.getByRole('alert').getByText('try in a moment').waitFor();
  await page.unrouteAll({ behavior: 'ignoreErrors' });

  for (const [name, kind] of [['www', 'A'], ['note', 'TXT'], ['_ldap._tcp', 'SRV']]) await world.api('DELETE', `/dns/records/${name}.lab.example?kind=${kind}`);
  await world.api('DELETE', `/reservations/${at(30)}`);
  for (const { address } of leases) await world.api('DELETE', `/leases/${address}`);
  const now = await world.api('GET', '/config');
  await world.api('PUT', '/config', { text: before.text, seen: now.seen });
  await world.settled();
}
