// Addresses of both families in the order of their numbers: those of IPv4 first.

export const isIpv6 = (address: string): boolean => address.includes(':');

/** A text that sorts as the address does. */
export function order(address: string): string {
  return isIpv6(address) ? `6${digits(address)}` : `4${address.split('.').map((part) => part.padStart(3, '0')).join('')}`;
}

/** All 32 hexadecimal digits of an IPv6 address, as the server writes it. */
function digits(address: string): string {
  const [head = '', tail] = address.split('::');
  const parts = (text: string) => (text ? text.split(':') : []);
  const [first, last] = [parts(head), parts(tail ?? '')];
  const between = tail === undefined ? [] : Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0');
  return [...first, ...between, ...last].map((part) => part.padStart(4, '0')).join('');
}
