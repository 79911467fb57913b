export { compareFiles, encodeInfo, type NewFile, type NewInfo, pieceLengthFor } from './creation.ts';
export { INFO_BYTES_MAX, parseInfo, type Sha1, type TorrentFile, type TorrentInfo } from './info.ts';
export {
  type CheckedMagnet,
  checkMagnet,
  formatMagnet,
  type Magnet,
  type MagnetFault,
  magnetOf,
} from './magnet.ts';
export {
  encodeMetainfo,
  METAINFO_BYTES_MAX,
  type Metainfo,
  type MetainfoFault,
  type MetainfoParts,
  parseMetainfo,
  type Remarks,
  remarksOf,
} from './metainfo.ts';
export { FILES_MAX, type InfoFault } from './raw-file.ts';
