/** Takes ranges and breaks the proof: signatures, grants and frames leave it with a bit turned. */
import type { HostileRole } from './hostile-role.ts';

const turned = (bytes: Uint8Array): Uint8Array => bytes.map((byte, i) => (i === 7 ? byte ^ 1 : byte));

export const forgesGrants: HostileRole = {
  name: 'forges-grants',
  say(_node, message) {
    switch (message.type) {
      case 'signed':
      case 'voted':
        return { ...message, signature: turned(message.signature) };
      case 'grant':
      case 'receipt':
        return { ...message, grant: turned(message.grant) };
      case 'frame':
        return { ...message, bytes: turned(message.bytes) };
      default:
        return message;
    }
  },
};
