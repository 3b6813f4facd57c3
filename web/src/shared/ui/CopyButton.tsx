import { Check, Copy } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from '../i18n/i18n';
import { Button } from './Button';

const shownFor = 1_500;

/** Puts a text on the clipboard, where the browser allows it. */
export function CopyButton({ text }: { text: string }) {
  const { t } = useTranslation();
  const [isDone, setDone] = useState(false);
  // Browsers offer the clipboard to secure pages only.
  if (!('clipboard' in navigator)) return null;
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setDone(true);
    setTimeout(() => setDone(false), shownFor);
  };
  return <Button look="quiet" size="small" icon={isDone ? Check : Copy} label={t(isDone ? 'action.copied' : 'action.copy')} onClick={copy} />;
}
