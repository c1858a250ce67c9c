// The picture: a video, or skeletons on a canvas. Both are players: they have time, paused, speed,
// play() and pause(), and call `changed` when something of that changes.

function bytes(base64) {
  return Uint8Array.from(atob(base64.trim()), (letter) => letter.charCodeAt(0));
}

function videoPlayer({ link, size }) {
  const video = make("video", { preload: "auto", playsInline: true, "--ratio": size[0] / size[1] });
  video.src = link ?? URL.createObjectURL(new Blob([bytes(byId("film").textContent)], { type: "video/mp4" }));
  byId("film").remove();
  video.setAttribute("aria-label", "Video with persons and their actions");
  for (const event of ["play", "pause", "seeked", "timeupdate", "loadeddata"]) {
    video.addEventListener(event, () => changed());
  }
  video.addEventListener("error", () => {
    byId("screen").replaceChildren(make("p", { className: "notice", textContent: "The video cannot be played; is it still beside this page?" }));
  });
  video.addEventListener("click", toggle);
  byId("screen").append(video);
  return {
    get time() { return video.currentTime; },
    // Times are rounded on their way; a little later is still the same frame.
    set time(time) { video.currentTime = time + Math.min(1e-3, frame / 4); },
    get paused() { return video.paused; },
    set speed(speed) { video.playbackRate = speed; },
    play: () => video.play(),
    pause: () => video.pause(),
  };
}

function skeletonPlayer(skeletons) {
  const { box: [left, top, width, height], unit, hold, size } = skeletons;
  const tracks = skeletons.people.map(({ frames, poses }) => ({
    frames: new Int32Array(bytes(frames).buffer),
    poses: new Int16Array(bytes(poses).buffer),
  }));
  const joints = skeletons.joints.length;
  const canvas = make("canvas", { role: "img", "aria-label": "Skeletons of the persons", "--ratio": width / height });
  const pen = canvas.getContext("2d");
  let [now, paused, speed, last] = [data.start, true, 1, 0];
  byId("screen").append(canvas);
  canvas.addEventListener("click", toggle);
  new ResizeObserver(draw).observe(canvas);

  /** The pose of a track at a frame, between two that are close enough: [x, y, confidence] * V. */
  function poseAt({ frames, poses }, at) {
    let [low, high] = [0, frames.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (frames[middle] <= at) low = middle + 1; else high = middle;
    }
    const place = low - 1;
    if (place < 0 || at - frames[place] >= hold) return null;
    const next = low < frames.length && frames[low] - frames[place] <= hold ? low : place;
    const share = next > place ? (at - frames[place]) / (frames[next] - frames[place]) : 0;
    return Float32Array.from({ length: joints * 3 }, (_, index) => {
      const [a, b] = [poses[place * joints * 3 + index], poses[next * joints * 3 + index]];
      const joint = index - (index % 3) + 2;
      const known = poses[next * joints * 3 + joint] > 0;
      return (a + (known ? (b - a) * share : 0)) / unit;
    });
  }

  function draw() {
    const pixels = window.devicePixelRatio || 1;
    canvas.width = Math.round(canvas.clientWidth * pixels);
    canvas.height = Math.round(canvas.clientHeight * pixels);
    const scale = canvas.width / width;
    const thick = Math.max(1.5 * pixels, canvas.height / 150);
    pen.fillStyle = "#232831";
    pen.fillRect(0, 0, canvas.width, canvas.height);
    const at = Math.floor((now - data.start) / frame + 1e-6);
    const taken = [];
    tracks.forEach((track, person) => {
      const pose = poseAt(track, hold > 1 ? Math.max((now - data.start) / frame, 0) : at);
      if (!pose) return;
      const points = skeletons.joints.map((colour, joint) => ({
        x: (pose[joint * 3] * size[0] - left) * scale,
        y: (pose[joint * 3 + 1] * size[1] - top) * scale,
        sure: pose[joint * 3 + 2], colour,
      }));
      drawFigure(points, thick);
      drawLabel(people[person], points.filter((point) => point.sure > 0), pixels, taken);
    });
    pen.globalAlpha = 1;
  }

  function drawFigure(points, thick) {
    pen.lineCap = "round";
    pen.lineWidth = thick;
    for (const [a, b, colour] of skeletons.bones) {
      pen.globalAlpha = Math.min(points[a].sure, points[b].sure);
      if (!pen.globalAlpha) continue;
      pen.strokeStyle = colour;
      pen.beginPath();
      pen.moveTo(points[a].x, points[a].y);
      pen.lineTo(points[b].x, points[b].y);
      pen.stroke();
    }
    for (const { x, y, sure, colour } of points) {
      pen.globalAlpha = sure;
      pen.fillStyle = colour;
      pen.beginPath();
      pen.arc(x, y, 0.85 * thick, 0, 2 * Math.PI);
      if (sure) pen.fill();
    }
  }

  /** Draw a name above a figure, or as near to there as no other name is. */
  function drawLabel(person, points, pixels, taken) {
    if (!points.length) return;
    const span = spanAt(person, now);
    const text = [person.name, span?.name].filter(Boolean).join("  ");
    const letter = Math.max(12 * pixels, canvas.height / 30);
    pen.globalAlpha = 1;
    pen.font = `600 ${letter}px system-ui, sans-serif`;
    const wide = pen.measureText(text).width + letter;
    const middle = (Math.min(...points.map((p) => p.x)) + Math.max(...points.map((p) => p.x))) / 2;
    const x = Math.min(Math.max(middle - wide / 2, 0), Math.max(canvas.width - wide, 0));
    const above = Math.max(Math.min(...points.map((p) => p.y)) - 2.2 * letter, 0);
    const free = (y) => y >= 0 && !taken.some((other) =>
      x < other.x + other.wide && other.x < x + wide && Math.abs(y - other.y) < 1.5 * letter);
    const steps = taken.flatMap((_, place) => [-1 - place, 1 + place]);
    const y = [0, ...steps].map((step) => above + 1.6 * letter * step).find(free) ?? above;
    taken.push({ x, y, wide });
    pen.fillStyle = span?.colour ?? data.noAction;
    pen.beginPath();
    pen.roundRect(x, y, wide, 1.5 * letter, 0.75 * letter);
    pen.fill();
    pen.fillStyle = "#14171c";
    pen.textBaseline = "middle";
    pen.fillText(text, x + letter / 2, y + 0.78 * letter);
  }

  function step(stamp) {
    if (paused) return;
    now = Math.min(now + (speed * (stamp - last)) / 1000, data.end);
    last = stamp;
    if (now >= data.end) paused = true;
    draw();
    changed();
    requestAnimationFrame(step);
  }

  return {
    get time() { return now; },
    set time(time) { now = Math.min(Math.max(time, data.start), data.end); draw(); changed(); },
    get paused() { return paused; },
    set speed(value) { speed = value; },
    play() {
      if (now >= data.end - frame / 2) now = data.start;
      paused = false;
      last = performance.now();
      requestAnimationFrame(step);
      changed();
    },
    pause() { paused = true; changed(); },
  };
}
