/** The options that the page offers, in the groups in which people look for them. Pure. */
import type { OptionName } from '../../../config/index.ts';

export interface OptionGroup {
  readonly title: string;
  readonly about: string;
  readonly options: readonly (readonly [name: OptionName, label: string])[];
}

export const OPTION_GROUPS: readonly OptionGroup[] = [
  {
    title: 'Rates',
    about: 'All transfers together. Tracking for others is counted apart.',
    options: [
      ['downLimit', 'Down at most'],
      ['upLimit', 'Up at most'],
    ],
  },
  {
    title: 'Lending',
    about: 'What this machine gives to the network while it serves as a supernode: hard caps.',
    options: [
      ['role', 'Serve'],
      ['trackingBytesPerSecond', 'Bytes per second'],
      ['trackingHashes', 'Hashes'],
      ['trackingPeers', 'Peers'],
    ],
  },
  {
    title: 'Encryption',
    about: 'Of links to peers. Nodes always speak TLS with each other unless it is off.',
    options: [
      ['encryption', 'Links'],
      ['encryptionIn', 'Links that peers open'],
      ['encryptionOut', 'Links that this node opens'],
    ],
  },
  {
    title: 'Folders and queue',
    about: 'Where downloads go, and how many run at a time.',
    options: [
      ['downloadDir', 'Download folder'],
      ['downloadsMax', 'Downloads at a time'],
    ],
  },
  {
    title: 'Connection',
    about: 'How this node is reached, and how it finds peers.',
    options: [
      ['port', 'Port'],
      ['bind', 'Address or interface'],
      ['portMapping', 'Ask the router by'],
      ['linksMax', 'Links of the node'],
      ['linksPerTorrentMax', 'Links of one torrent'],
      ['uploadSlots', 'Upload slots of one torrent'],
      ['dht', 'Mainline DHT'],
      ['lsd', 'Local discovery'],
    ],
  },
];
