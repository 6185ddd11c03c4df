// The page of a job refreshes what changes while the job runs. Without this, "Look again" reloads the page.
document.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("job-live");
  if (!place) return;
  const isLive = () => place.querySelector("[data-is-live]") !== null;
  const look = async () => {
    try {
      const answer = await fetch(place.dataset.live, { headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      place.innerHTML = await answer.text();
    } catch {
      // The next look may succeed.
    }
    if (isLive()) setTimeout(look, 1500);
    else location.reload();
  };
  if (isLive()) setTimeout(look, 1500);
});
