/**
 * Shows a text when the login page does not start, because the browser is too old for its scripts
 * or one of them did not load. It is a classic script for every browser, because it must run where
 * the others cannot.
 */
(function () {
  var WORDS = {
    too_old: {
      en: ['This browser is too old', 'Update it, or open this link in a newer one: Chrome or Edge 123, Firefox 124, Safari 17.5.'],
      ru: ['Этот браузер устарел', 'Обновите его или откройте ссылку в более новом: Chrome или Edge 123, Firefox 124, Safari 17.5.'],
    },
    not_loaded: {
      en: ['The page did not load completely', 'Check the connection and reload the page.'],
      ru: ['Страница загрузилась не полностью', 'Проверьте соединение и обновите страницу.'],
    },
  };
  var isTold = false;

  function chooseLanguage() {
    var named = /[?&]lang=([a-z]+)/i.exec(location.search);
    var wished = (named === null ? [] : [named[1]]).concat(navigator.languages || [navigator.language]);
    for (var i = 0; i < wished.length; i++) {
      var language = String(wished[i]).toLowerCase().split('-')[0];
      if (language === 'en' || language === 'ru') return language;
    }
    return 'en';
  }

  function tell(kind) {
    var main = document.querySelector('main');
    if (isTold || main === null) return;
    isTold = true;
    var language = chooseLanguage();
    var words = WORDS[kind][language];
    var note = document.createElement('div');
    note.className = 'trouble';
    note.setAttribute('role', 'alert');
    note.lang = language;
    for (var i = 0; i < words.length; i++) {
      var line = document.createElement(i === 0 ? 'h2' : 'p');
      line.textContent = words[i];
      note.appendChild(line);
    }
    var login = document.querySelector('qrcast-login');
    if (login !== null) main.removeChild(login); // it would still say that it connects
    main.appendChild(note);
    document.title = words[0];
    document.documentElement.lang = language;
    document.documentElement.setAttribute('data-state', 'refused');
  }

  function isDefined() {
    return Boolean(window.customElements && customElements.get('qrcast-login'));
  }

  /**
   * Only errors of our own scripts count, because browser extensions run theirs in this page too.
   */
  function kindOf(event) {
    if (event.target && event.target.tagName === 'SCRIPT') return event.target.src.indexOf(root) === 0 ? 'not_loaded' : null;
    var file = event.filename || '';
    // Once the element is defined, it shows its own errors.
    return file.indexOf(root) !== 0 || (isDefined() && file === root + 'element.js') ? null : 'too_old';
  }

  var root = document.currentScript.src.replace(/connect\/assets\/[^/]*$/, '');
  var failure = null;
  // Errors of a script that did not load, whose event does not bubble, and of one that cannot be
  // parsed or lacks a feature.
  window.addEventListener(
    'error',
    function (event) {
      failure = failure || kindOf(event);
      if (failure !== null && document.readyState !== 'loading') tell(failure);
    },
    true
  );
  // Modules have run by then, if the browser supports them.
  document.addEventListener('DOMContentLoaded', function () {
    if (failure !== null || !isDefined()) tell(failure || 'too_old');
  });
})();
