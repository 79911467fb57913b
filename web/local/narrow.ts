/** Whether the window is as narrow as a phone's; the same width stands in style/phone.css. */
import { useEffect, useState } from 'preact/hooks';

const query = matchMedia('(max-width: 48rem)');

export function useNarrow(): boolean {
  const [isNarrow, setNarrow] = useState(query.matches);
  useEffect(() => {
    const take = (): void => setNarrow(query.matches);
    query.addEventListener('change', take);
    return () => query.removeEventListener('change', take);
  }, []);
  return isNarrow;
}
