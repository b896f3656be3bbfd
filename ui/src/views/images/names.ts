// How an image is called that nobody named: as its file, without the endings that say how it is packed. The same
// words as those of `bootwright image import`.

const ENDINGS = ['.gz', '.xz', '.zst', '.tgz', '.txz', '.tar', '.iso', '.img', '.raw'];

export function nameOf(file: string): string {
  let name = file.toLowerCase();
  for (let end; (end = ENDINGS.find((one) => name.endsWith(one) && name.length > one.length)); ) name = name.slice(0, -end.length);
  return name.replace(/[^a-z0-9._-]/g, '-').replace(/^[^a-z0-9]+/, '');
}

/** The last part of a URL or path. */
export function lastPart(of: string): string {
  const path = (of.split(/[?#]/)[0] ?? '').replace(/\/+$/, '');
  const last = path.slice(path.lastIndexOf('/') + 1);
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}
