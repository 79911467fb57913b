/** The time in seconds since 1970, which moves once in a while so that ages on the page do. */
import { useEffect, useState } from 'preact/hooks';

const STEP_MS = 10_000;
const seconds = (): number => Math.floor(Date.now() / 1000);

export function useNow(): number {
  const [now, setNow] = useState(seconds);
  useEffect(() => {
    const timer = setInterval(() => setNow(seconds()), STEP_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}
