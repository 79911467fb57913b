/** A network that does not carry TLS: whoever begins it on a host is hung up on (nftables), as some firewalls do. */
import { type Host, inNamespace } from './network.ts';
import { run } from './program.ts';

export const TLS_RESET_PROGRAM = 'nft';
/** A record of a handshake by its type and version, and in it the first message of a client: too long to come by chance. */
const CLIENT_HELLO = '@ih,0,24 0x160301 @ih,40,8 0x01';

/** From now on no TLS begins at a host. */
export async function resetTls(host: Host): Promise<void> {
  const rules = [
    'add table inet noTls',
    'add chain inet noTls input { type filter hook input priority 0; }',
    `add rule inet noTls input meta l4proto tcp ${CLIENT_HELLO} counter reject with tcp reset`,
  ];
  await run(inNamespace(host, ['nft', [rules.join('; ')]]));
}

/** Lets TLS through again; returns how often it was refused. */
export async function passTls(host: Host): Promise<number> {
  const chain = await run(inNamespace(host, ['nft', ['list', 'chain', 'inet', 'noTls', 'input']]));
  await run(inNamespace(host, ['nft', ['delete', 'table', 'inet', 'noTls']]));
  return Number(/packets (\d+)/.exec(chain)?.[1]);
}
