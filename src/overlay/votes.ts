/** How a candidate comes to its certificate: it asks its witnesses, and counts the votes that are good. */
import { areVotesGood, type Certificate, certificateOf, QUORUM, type Vote } from './certificate.ts';
import type { Context } from './context.ts';
import { ADDRESSES_MAX } from './descriptor.ts';
import { contactOf } from './exchanges.ts';
import type { Seat } from './token.ts';

const VOTE_MS = 5000;

/** What is voted on: a term, and the seat that is kept in it; undefined in a first election. */
interface Election {
  readonly term: number;
  readonly seat: Seat | undefined;
}

/**
 * Asks this node's witnesses of a term, and calls back once; fewer votes than a quorum of them are none.
 * @param then the votes, and the host where they say that this node answers
 */
export function collectVotes(
  context: Context,
  { term, seat }: Election,
  then: (certificate: Certificate | undefined, host: string) => void,
): void {
  const { settings, self, exchanges, wall } = context;
  const witnesses = context.witnessesOf(self, term);
  const addresses = settings.addresses().slice(0, ADDRESSES_MAX);
  const host = addresses[0]?.host ?? '';
  if (witnesses.length === 0 || addresses.length === 0) return then(undefined, host);
  const candidacy = { network: settings.network, nodeId: self, host, term, issued: wall, seat };
  const votes: Vote[] = [];
  let open = witnesses.length;
  const message = { type: 'vote', addresses, term, issued: wall, seat } as const;
  for (const witness of witnesses) {
    exchanges.ask(contactOf(witness), message, VOTE_MS, (reply) => {
      if (reply?.type === 'voted') {
        const vote = { witness: witness.nodeId, signature: reply.signature };
        if (areVotesGood([vote], candidacy, settings.verify)) votes.push(vote);
      }
      if (--open > 0) return;
      const isQuorum = votes.length >= Math.min(QUORUM, witnesses.length);
      then(isQuorum ? certificateOf(votes, wall, seat) : undefined, host);
    });
  }
}
