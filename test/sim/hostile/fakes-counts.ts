/** Notes announces, and says that swarms are a hundred times as big. */
import type { HostileRole } from './hostile-role.ts';

export const fakesCounts: HostileRole = {
  name: 'fakes-counts',
  serve(_node, _rank, honest) {
    const answer = honest();
    return answer.type === 'noted' ? { ...answer, peers: 100 * (answer.peers + 1) } : answer;
  },
};
