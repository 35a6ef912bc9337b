"use strict";
// The charts of a pipeline's report. Its tables stand in the page already.
(() => {
  const { data, format, chartGroup, overSteps, bar, rewardOverKl } = plumbline;

  data.planes.forEach(({ comparison, best }, i) => {
    const { beta, routes, frontier, optimum } = comparison;
    const points = routes.filter((route) => route.kl && route.reward)
      .map(({ name, kl, reward }) => ({ name, kl, reward, color: name === best ? "--good" : "--one" }));
    if (optimum) {
      points.unshift({
        name: beta === null ? "optimum" : `optimum at β = ${format(beta)}`,
        kl: { mean: optimum.kl }, reward: { mean: optimum.reward }, color: "--soft", hollow: true,
      });
    }
    document.querySelectorAll(".reward-over-kl h3")[i].after(rewardOverKl({
      label: "Mean reward over the KL from the reference, by route",
      x: { name: "KL from the reference, nats a text" },
      y: { name: "reward" },
      lines: frontier.length > 1 ? [{ points: frontier.map(({ kl, reward }) => [kl, reward]), color: "--soft" }] : [],
      points,
    }));
  });
  const most = Math.max(...data.seconds);
  document.querySelectorAll(".stages .time").forEach((cell, i) => { if (most > 0) cell.append(bar(data.seconds[i] / most)); });
  for (const { stage, metric, curves } of data.curves) {
    document.getElementById("curves").append(overSteps(curves, { title: `${stage}: ${metric}`, metrics: [metric] }, chartGroup(curves.last.length)));
  }
})();
