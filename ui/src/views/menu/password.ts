// A menu's password as GRUB keeps it: hashed here, so that the clear text goes nowhere (grub-mkpasswd-pbkdf2; the same
// numbers as `bootwright menu set --password`).

const ROUNDS = 10_000;
const BYTES = 64;

/** What every firmware's keyboard can type. */
export const typeable = (password: string) => /^[\x20-\x7e]{1,128}$/.test(password);

/** Whether the browser can hash here: it does so on HTTPS and on its own host only. */
export const canHash = () => isSecureContext && !!crypto.subtle;

export async function hashed(password: string): Promise<string> {
  const salt = crypto.getRandomValues(new Uint8Array(BYTES));
  const key = await crypto.subtle.importKey('raw', new TextEncoder().encode(password), 'PBKDF2', false, ['deriveBits']);
  const bits = await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-512', salt, iterations: ROUNDS }, key, BYTES * 8);
  const hex = (bytes: Uint8Array) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0').toUpperCase()).join('');
  return `grub.pbkdf2.sha512.${ROUNDS}.${hex(salt)}.${hex(new Uint8Array(bits))}`;
}
