import * as Ariakit from '@ariakit/react';
import type { LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';
import { Key } from './Button';

/** A button that opens a menu of actions. */
export function Menu(props: {
  label: string;
  icon?: LucideIcon;
  text?: ReactNode;
  look?: 'plain' | 'quiet';
  size?: 'normal' | 'small';
  keys?: string;
  children: ReactNode;
}) {
  const { icon: Icon } = props;
  const names = ['button', props.look === 'quiet' && 'button--quiet', props.size === 'small' && 'button--small', !props.text && 'button--icon'];
  return (
    <Ariakit.MenuProvider placement="bottom-end">
      <Ariakit.MenuButton className={names.filter(Boolean).join(' ')} aria-label={props.text ? undefined : props.label} title={props.text ? undefined : props.label} aria-keyshortcuts={props.keys}>
        {Icon && <Icon className="icon" aria-hidden />}
        {props.text}
        {props.text && props.keys && <Key letter={props.keys} />}
      </Ariakit.MenuButton>
      <Ariakit.Menu className="menu" gutter={4} portal unmountOnHide aria-label={props.label}>
        {props.children}
      </Ariakit.Menu>
    </Ariakit.MenuProvider>
  );
}

export function MenuItem(props: { icon?: LucideIcon; danger?: boolean; disabled?: boolean; onClick: () => void; children: ReactNode }) {
  const { icon: Icon } = props;
  return (
    <Ariakit.MenuItem
      className={`menu__item${props.danger ? ' menu__item--danger' : ''}`}
      disabled={props.disabled}
      onClick={props.onClick}
    >
      {Icon && <Icon className="icon" aria-hidden />}
      <span className="grow">{props.children}</span>
    </Ariakit.MenuItem>
  );
}

/** One of several that exclude each other. */
export function MenuChoice<V extends string>(props: { name: string; label: string; value: V; options: { value: V; label: string }[]; onChoose: (value: V) => void }) {
  return (
    <Ariakit.MenuGroup>
      <Ariakit.MenuGroupLabel className="menu__label">{props.label}</Ariakit.MenuGroupLabel>
      {props.options.map((option) => (
        <Ariakit.MenuItem
          key={option.value}
          role="menuitemradio"
          aria-checked={option.value === props.value}
          hideOnClick={false}
          className="menu__item"
          onClick={() => props.onChoose(option.value)}
        >
          <span className="grow">{option.label}</span>
          {option.value === props.value && <span aria-hidden>✓</span>}
        </Ariakit.MenuItem>
      ))}
    </Ariakit.MenuGroup>
  );
}

export const MenuRule = () => <Ariakit.MenuSeparator className="menu__rule" />;

/** A button that opens a panel with anything in it. */
export function Panel(props: { label: string; icon?: LucideIcon; text?: ReactNode; badge?: number; keys?: string; children: ReactNode }) {
  const { icon: Icon } = props;
  return (
    <Ariakit.PopoverProvider placement="bottom-start">
      <Ariakit.PopoverDisclosure className={`button${props.text ? '' : ' button--icon'}`} aria-label={props.text ? undefined : props.label} aria-keyshortcuts={props.keys}>
        {Icon && <Icon className="icon" aria-hidden />}
        {props.text}
        {props.text && props.keys && <Key letter={props.keys} />}
        {props.badge ? <span className="badge badge--ok">{props.badge}</span> : null}
      </Ariakit.PopoverDisclosure>
      <Ariakit.Popover className="menu menu--panel" gutter={4} overflowPadding={12} fitViewport portal unmountOnHide aria-label={props.label}>
        {props.children}
      </Ariakit.Popover>
    </Ariakit.PopoverProvider>
  );
}
