import { useState } from 'react';
import type { CategoryTreeView } from '../../shared/api/client.generated';
import { faultsOf, messageOf, problemOf } from '../../shared/api/problem';
import { useCan } from '../../shared/api/store';
import { useTranslation } from '../../shared/i18n/i18n';
import { Button } from '../../shared/ui/Button';
import { Field, FieldError } from '../../shared/ui/Field';
import { SideBySide } from '../../shared/ui/SideBySide';
import { ErrorState, Skeletons } from '../../shared/ui/States';
import { useToast } from '../../shared/ui/Toasts';
import { useUnsaved } from '../../shared/ui/Unsaved';
import { campaignsApi } from './campaignsApi';
import { CampaignTabs } from './CampaignTabs';
import { differing, entered, linesOf } from './categories';

/** What lies above each category: a rule that names one means those below it too (RUL-03). */
export function CategoriesPage() {
  const { t } = useTranslation();
  const { data, error, isFetching, refetch } = campaignsApi.endpoints.getCategories.useQuery(undefined, { refetchOnMountOrArgChange: true, refetchOnFocus: false });
  const [opened, setOpened] = useState<CategoryTreeView>();
  const [round, setRound] = useState(0);
  const beginAnew = () => {
    setOpened(undefined);
    setRound(round + 1);
  };
  // Once something is entered the page stays with what was opened, whatever happens to the tree meanwhile.
  const stored = opened ?? (isFetching ? undefined : data);
  return (
    <div className="page">
      <header className="page__head">
        <div>
          <h1>{t('nav.campaigns')}</h1>
          <p>{t('categories.text')}</p>
        </div>
      </header>
      <CampaignTabs />
      <section className="card" aria-label={t('campaigns.tab.categories')}>
        <div className="card__body">
          {stored ? (
            <Tree key={`${stored.version}-${round}`} stored={stored} onBegin={() => setOpened(stored)} onEnd={beginAnew} />
          ) : error ? (
            <ErrorState error={error} onRetry={refetch} />
          ) : (
            <Skeletons lines={8} />
          )}
        </div>
      </section>
    </div>
  );
}

function Tree({ stored, onBegin, onEnd }: { stored: CategoryTreeView; onBegin: () => void; onEnd: () => void }) {
  const { t } = useTranslation();
  const toast = useToast();
  const can = useCan();
  const [base, setBase] = useState(stored);
  const [theirs, setTheirs] = useState<CategoryTreeView>();
  const [text, setText] = useState(() => linesOf(stored.categories));
  const [failures, setFailures] = useState<string[]>([]);
  const [replace, { isLoading }] = campaignsApi.endpoints.replaceCategories.useMutation();
  const [read] = campaignsApi.endpoints.getCategories.useLazyQuery();
  const isChanged = text !== linesOf(base.categories);
  const unsaved = useUnsaved(isChanged, onEnd);
  const put = (tree: CategoryTreeView['categories'], over: CategoryTreeView) =>
    replace({ 'If-Match': `"${over.version}"`, categoryTreeShape: { categories: tree } });
  const restore = async (before: CategoryTreeView, saved: CategoryTreeView) => {
    const answer = await put(before.categories, saved);
    toast(answer.error ? 'failure' : 'success', answer.error ? messageOf(answer.error, t) : t('categories.restored'));
  };
  const save = async (over = base) => {
    const { categories, lines, unclear } = entered(text);
    setFailures(unclear.map((line) => t('categories.unclear', { line })));
    if (unclear.length > 0) return;
    const answer = await put(categories, over);
    if (answer.data) {
      const saved = answer.data;
      unsaved.release();
      toast('success', t('categories.saved'), { label: t('action.undo'), run: () => void restore(over, saved) });
      return onEnd();
    }

    const problem = problemOf(answer.error);
    if (problem?.status === 412) {
      const now = await read();
      if (now.data) return setTheirs(now.data);
    }

    const told = faultsOf(answer.error, t).map(({ field, message }) => {
      const line = lines[Number(/^categories\.(\d+)/.exec(field)?.[1] ?? NaN)];
      return line ? t('categories.wrong', { line, message }) : message;
    });
    setFailures(told.length > 0 ? told : [messageOf(answer.error, t)]);
  };
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <Field label={t('campaigns.tab.categories')} hint={t('categories.hint')}>
        <textarea
          className="input input--mono"
          rows={16}
          wrap="off"
          spellCheck={false}
          readOnly={!can('promotions.write')}
          value={text}
          onChange={(event) => {
            onBegin();
            setText(event.target.value);
          }}
        />
      </Field>
      {failures.map((failure) => (
        <FieldError key={failure} text={failure} />
      ))}
      {can('promotions.write') && (
        <div className="row">
          <Button look="primary" type="submit" busy={isLoading} disabled={!isChanged}>
            {t('action.save')}
          </Button>
          <Button disabled={!isChanged} onClick={unsaved.close}>
            {t('action.discard')}
          </Button>
        </div>
      )}
      {unsaved.question}
      {theirs && (
        <SideBySide
          rows={differing(entered(text).categories, theirs.categories)}
          onClose={() => {
            // What is edited on replaces what is stored now, knowingly.
            setBase(theirs);
            setTheirs(undefined);
          }}
          onKeepMine={() => {
            setBase(theirs);
            setTheirs(undefined);
            return save(theirs);
          }}
          onTakeTheirs={() => {
            unsaved.release();
            onEnd();
          }}
        />
      )}
    </form>
  );
}
