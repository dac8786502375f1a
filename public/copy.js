// Buttons with data-copy put the text of the element they name into the clipboard. Without scripts they stay hidden, and the
// text is there to be selected.
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = document.getElementById(button.dataset.copy).textContent;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "Copied";
    } catch {
      button.textContent = "The browser refuses: select the text";
    }
  });
}
