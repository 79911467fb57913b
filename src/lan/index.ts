export {
  BEACON_GROUPS,
  BEACON_PORT,
  Beacon,
  type BeaconEffect,
  type BeaconInput,
  type LanStanding,
  LISTEN_MS,
} from './beacon.ts';
export {
  LocalDiscovery,
  LSD_GROUPS,
  LSD_HASHES_MAX,
  LSD_PORT,
  type LsdEffect,
  type LsdFamily,
  type LsdInput,
} from './local-discovery.ts';
export type {
  ExternalPlace,
  GatewayRequest,
  MappingEffect,
} from './mapping-attempt.ts';
export { PCP_NONCE_BYTES } from './pcp.ts';
export {
  type Gateway,
  isPublicPlace,
  MAPPING_PROTOCOLS,
  type MappingProtocol,
  NO_GATEWAY,
  PortMapping,
  type PortMappingFact,
  type PortMappingState,
} from './port-mapping.ts';
export {
  bestRoute,
  type DefaultRoute,
  parseNetstat,
  parseProcRoute,
  parseRoutePrint,
} from './routes.ts';
export { answersTo, beaconsIn, recordsOf, SERVICE, type ServiceInstance, type ServiceRecord } from './service.ts';
