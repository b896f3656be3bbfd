// Networks: how each is served, the map of its addresses by pointer and by keyboard, a large subnet by blocks, other
// servers, and a mode that is changed after a look at what is written.

import { check } from '../world.mjs';

const at = (last) => `10.77.0.${last}`;
const mac = (last) => `52:54:00:aa:00:${last.toString(16).padStart(2, '0')}`;

export default async function (world) {
  const { page } = world;
  const moment = (ms) => new Date(Date.now() + ms).toISOString().replace(/\.\d+/, '');
  const since = moment(-3_600_000);
  const until = moment(7_200_000);
  const leases = Array.from({ length: 37 }, (_, n) => ({ address: at(100 + n * 2), mac: mac(n), since, until, host_name: `pc-${n}` }));
  leases[5].host_name = '<img src=x onerror=window.executed++>';
  await world.api('POST', '/leases/import', { leases });
  await world.api('POST', '/reservations', { address: at(20), holder: { mac: mac(3) }, host_name: 'printer' });
  await world.api('POST', '/reservations', { address: at(110), holder: { mac: mac(5) } });

  await world.goto('/networks');
  await page.getByRole('heading', { name: 'br0' }).waitFor();
  const grid = page.getByRole('grid', { name: 'Addresses of 10.77.0.0/24' });
  await grid.waitFor();
  await world.waitFor(async () => (await grid.getByRole('gridcell').count()) === 256, 'each address is there');
  await page.getByText(/3[78] of 100 addresses are taken/).waitFor();
  await grid.getByRole('gridcell', { name: /^10\.77\.0\.102 leased/ }).hover();
  await page.locator('.told').getByText(mac(1), { exact: false }).first().waitFor();
  await page.mouse.move(5, 5);
  await grid.focus();
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowRight');
  await page.locator('.told').getByText('this server').waitFor();
  await page.keyboard.press('End');
  await page.locator('.told').getByText('the broadcast address').waitFor();
  await grid.getByRole('gridcell', { name: /^10\.77\.0\.110 leased/ }).click();
  await page.locator('.told').getByText('Reserved for', { exact: false }).waitFor();
  await world.look('networks');

  // A mode is changed only after a look; this one is left as it is.
  await page.getByRole('button', { name: 'Change mode …' }).click();
  await page.getByRole('dialog').getByText('The file stays as it is.').waitFor();
  await page.getByRole('textbox', { name: 'Router' }).fill('10.78.0.1');
  await page.getByRole('dialog').getByText('is no host of the subnet', { exact: false }).waitFor();
  check(await page.getByRole('button', { name: 'Write and put in force' }).isDisabled(), 'what is wrong is not written');
  await world.look('networks-wrong');
  await page.getByRole('textbox', { name: 'Router' }).fill('10.77.0.254');
  await page.getByRole('dialog').getByText('router = "10.77.0.254"').waitFor();
  await page.getByRole('button', { name: 'Write and put in force' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.getByText('10.77.0.254', { exact: true }).first().waitFor();

  // A subnet of 65,536 addresses is shown by its blocks; another server does harm there; we only listen on a third.
  await page.route('**/api/v1/networks', async (route) => {
    const response = await route.fetch();
    const [network] = await response.json();
    const large = { ...network, subnet: '10.77.0.0/16', pools: ['10.77.0.100-10.77.9.255'], numbers: { size: 2460, leased: 2455, quarantined: 0, reserved: 2 } };
    const listening = { ...network, interface: 'eth7', mode: 'listen', pools: [], numbers: null, router: null };
    await route.fulfill({ response, json: [large, listening] });
  });
  await page.route('**/api/v1/links', async (route) => {
    const response = await route.fetch();
    const other = (standing, means) => ({
      server: '10.77.0.66', from: null, mac: '52:54:00:66:66:66', standing, means, replies: 1234, taken: 17, clients: [], offered: null,
      does: { addresses: true, refuses: false, boot: false, file: true }, first: since, last: since,
    });
    const agreement = {
      listen_as: 'proxy', since, last: since, agreed: 812, differed: 9, unheard: 40, last_difference: null,
      differences: [{ what: 'the boot file', count: 9, example: 'ours ipxe-x64.efi, theirs snponly.efi', machine: mac(1), last: since }],
    };
    await route.fulfill({ response, json: [
      { interface: 'br0', modes: ['dhcp'], others: [other('rogue', 'it gives addresses where we do: machines get either. Stop it, or name it in `others`')], agreement: null },
      { interface: 'eth7', modes: ['listen'], others: [other('expected', 'it gives addresses here')], agreement },
    ] });
  });
  await world.goto('/networks');
  const blocks = page.getByRole('grid', { name: 'Addresses of 10.77.0.0/16' });
  await blocks.waitFor();
  await world.waitFor(async () => (await blocks.getByRole('gridcell').count()) === 10, 'a large subnet is shown by the blocks of its pools');
  await page.getByText('Only 5 addresses are left.').waitFor();
  await page.getByText('What we would have said').first().waitFor();
  await world.look('networks-large');
  await page.getByRole('checkbox', { name: 'Also the 246 blocks', exact: false }).check();
  await world.waitFor(async () => (await blocks.getByRole('gridcell').count()) === 256, 'all blocks can be seen');
  await blocks.focus();
  await page.keyboard.press('Home');
  await world.waitFor(async () => /-0$/.test((await blocks.getAttribute('aria-activedescendant')) ?? ''), 'the first block has the focus');
  await page.keyboard.press('Enter');
  await page.getByRole('grid', { name: 'Addresses of 10.77.0.0/24' }).waitFor();
  // A block has an address.
  await page.waitForURL(/block=10\.77\.0\.0%2F24/);
  await page.keyboard.press('Escape');
  await blocks.waitFor();
  await page.unrouteAll({ behavior: 'ignoreErrors' });
  await world.settled();
}
