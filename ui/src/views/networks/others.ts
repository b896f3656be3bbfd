// Who else speaks on the link of a network, over its family.
import type { LinkView, NetworkView, OtherServerView } from '../../api/types';

export function othersOf(links: LinkView[], network: NetworkView): OtherServerView[] {
  const link = links.find((link) => link.interface === network.interface);
  return (link?.others ?? []).filter((other) => other.server.includes(':') === (network.family === 'ipv6'));
}
