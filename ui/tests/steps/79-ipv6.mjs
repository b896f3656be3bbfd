// A network of IPv6 beside the one of IPv4: how it is served, who has an address, a pool larger than any bar; it is
// changed after a look at what is written, and switched off again.

import { check } from '../world.mjs';

const mac = (last) => `52:54:00:ad:00:${last.toString(16).padStart(2, '0')}`;

export default async function (world) {
  const { page } = world;
  const before = await world.api('GET', '/config');
  const text = `${before.text}\n[[network]]\ninterface = "br0"\nsubnet = "fd77::/64"   # the same link\npool = ["fd77::100-fd77::1ff"]\nadvertise = true\n`;
  await world.api('PUT', '/config', { text, seen: before.seen });
  await world.api('POST', '/reservations', { address: 'fd77::10', holder: { mac: mac(1) } });

  await world.goto('/networks');
  const of6 = page.getByRole('region', { name: 'br0, IPv6' });
  await of6.getByText('0 of 256 addresses are taken').waitFor();
  await of6.getByText('our router advertisements say that addresses come by DHCPv6').waitFor();
  await page.getByRole('region', { name: 'br0, IPv4' }).getByRole('grid').waitFor();
  await of6.getByText(mac(1), { exact: false }).first().waitFor();

  // Whoever has an address is said by the server; machines that lease one over IPv6 are tried elsewhere.
  const moment = (ms) => new Date(Date.now() + ms).toISOString().replace(/\.\d+/, '');
  const lease = (last, more) => ({
    address: `fd77::${(0x100 + last).toString(16)}`, network: 'br0', mac: mac(last), duid: `0001000100${last}`, iaid: 1, machine: null,
    host_name: `pc-${last}`, since: moment(-3_600_000), until: moment(7_200_000), state: 'bound', ...more,
  });
  const leases = Array.from({ length: 15 }, (_, n) => lease(n));
  leases[3].host_name = '<img src=x onerror=window.executed++>'.repeat(3);
  leases[4] = lease(4, { mac: null, host_name: null });
  leases[5] = lease(5, { state: 'declined' });
  await page.route('**/api/v1/leases', async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, json: [...(await response.json()), ...leases] });
  });
  await page.route('**/api/v1/networks', async (route) => {
    const response = await route.fetch();
    const all = await response.json();
    const numbers = { size: 256, leased: 14, quarantined: 1, reserved: 1 };
    await route.fulfill({ response, json: all.map((one) => (one.family === 'ipv6' ? { ...one, numbers } : one)) });
  });
  await page.goto('/networks');
  await of6.getByText('15 of 256 addresses are taken').waitFor();
  await of6.getByText('And 4 more among the leases').waitFor();
  await of6.getByText('a client whose card is not known').waitFor();
  await world.waitFor(async () => (await of6.getByRole('listitem').count()) >= 12, 'those that somebody has are listed');
  await of6.scrollIntoViewIfNeeded();
  await world.look('networks-ipv6');
  await page.unrouteAll({ behavior: 'ignoreErrors' });

  // Of a pool of half a /64 no bar is drawn; without a pool machines make their own addresses.
  await page.route('**/api/v1/networks', async (route) => {
    const response = await route.fetch();
    const of6 = (await response.json()).find((one) => one.family === 'ipv6');
    const vast = { ...of6, pools: ['fd77::8000:0:0:0-fd77::ffff:ffff:ffff:ffff'], numbers: { size: 2 ** 63, leased: 3, quarantined: 0, reserved: 1 } };
    const none = { ...of6, interface: 'br7', subnet: 'fd78::/64', server: 'fd78::1', pools: [], numbers: null, advertise: false, http_boot: 'https', because: 'the router there has to say that settings come by DHCPv6 (flag O)' };
    await route.fulfill({ response, json: [vast, none] });
  });
  await page.goto('/networks');
  await page.getByText('3 addresses are in use').waitFor();
  await page.getByText('of about 2^63 in the pools').waitFor();
  await page.getByText('none: machines make their own addresses (SLAAC)').waitFor();
  await world.look('networks-vast');
  await page.unrouteAll({ behavior: 'ignoreErrors' });

  // It is changed after a look; the network of IPv4 on the same interface stays as it is.
  await page.goto('/networks');
  await of6.getByRole('button', { name: 'Change …' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('The file stays as it is.').waitFor();
  await dialog.getByRole('textbox', { name: 'Addresses to give' }).fill('fd88::1-fd88::9');
  await dialog.getByText('leaves the subnet', { exact: false }).waitFor();
  check(await dialog.getByRole('button', { name: 'Write and put in force' }).isDisabled(), 'what is wrong is not written');
  await world.look('networks-ipv6-wrong');
  await dialog.getByRole('textbox', { name: 'Addresses to give' }).fill('fd77::200-fd77::2ff');
  await dialog.getByRole('textbox', { name: 'Name servers' }).fill('fd77::53');
  await dialog.getByText('dns = ["fd77::53"]').waitFor();
  await dialog.getByRole('button', { name: 'Write and put in force' }).click();
  await dialog.waitFor({ state: 'detached' });
  await of6.getByText('fd77::53').waitFor();
  const written = (await world.api('GET', '/config')).text;
  check(written.includes('subnet = "fd77::/64"   # the same link') && written.includes('pool = ["10.77.0.100-10.77.0.199"]'), 'the rest of the file stays');

  // A new one of either family.
  await page.getByRole('button', { name: 'Add a network …' }).click();
  await dialog.getByRole('button', { name: 'IPv6' }).click();
  await dialog.getByRole('textbox', { name: 'Interface' }).fill('br1');
  await dialog.getByText('br1 has no IPv6 address but the one of its link', { exact: false }).waitFor();
  await dialog.getByRole('button', { name: 'IPv4' }).click();
  await dialog.getByRole('combobox', { name: 'Mode' }).waitFor();
  await page.keyboard.press('Escape');

  await of6.getByRole('button', { name: 'Change …' }).click();
  const mode = dialog.getByRole('combobox', { name: 'Mode' });
  await mode.selectOption('listen');
  await dialog.getByText('mode = "listen"').waitFor();
  check((await dialog.getByRole('checkbox', { name: 'Send router advertisements', exact: false }).count()) === 0, 'where we only listen nothing is advertised');
  await mode.selectOption('off');
  await dialog.getByText('mode = "off"').waitFor();
  await dialog.getByRole('button', { name: 'Write and put in force' }).click();
  await dialog.waitFor({ state: 'detached' });
  await of6.waitFor({ state: 'detached' });
  const now = await world.api('GET', '/config');
  check(now.text.includes('pool = ["fd77::200-fd77::2ff"]'), 'what is switched off keeps what was written');
  await world.api('DELETE', '/reservations/fd77::10');
  await world.api('PUT', '/config', { text: before.text, seen: now.seen });
  await world.settled();
}
