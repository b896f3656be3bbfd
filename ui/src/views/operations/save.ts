// Hands a file over to whoever looks.

/** Long enough for the browser to have begun. */
const KEPT_MS = 60_000;

export function save(name: string, bytes: Blob): void {
  const at = URL.createObjectURL(bytes);
  const link = document.createElement('a');
  link.href = at;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(at), KEPT_MS);
}
