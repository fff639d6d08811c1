"""Figures of others, as they published them or as they were measured elsewhere: none of them is of this benchmark."""

from __future__ import annotations

TABLES = """### Published by others

**Theirs, not measured here**: Table I of TMP (Zhang et al., 2024): online methods, which see no future frame, x4 from
180x320, times on the GPU of that paper. BI is a bicubic reduction, BD a Gaussian blur and every fourth pixel. Theirs is
PSNR on RGB for REDS4 and on luma for Vid4; what else differs from `mrsr evaluate` stands in
[the standard sets](benchmarks.md#the-standard-sets).

| method | REDS4 BI, dB | Vid4, dB | ms | parameters |
|---|---|---|---|---|
| CKBG | 29.73 | 26.34 (BI) | 9 | 1.8M |
| DAP | 30.59 | | 38 | |
| TMP | 30.67 | 27.10 (BI) | 25 | 3.1M |
| BasicVSR++, past frames only | 30.44 | 27.06 (BI) | 40 | 3.0M |
| RRN | | 27.69 (BD) | 34 | 3.4M |
| RLSP | | 27.48 (BD) | 49 | 4.2M |
| BasicVSR++, both directions, offline | 32.39 | 27.79 (BI) | 77 | 7.3M |

### Efficient networks of single frames, measured elsewhere

**On another machine**: two cores with AMX, float32, two threads. Their times are good to 30 % and not to be compared
with the ones above. All were trained on clean input. A is `talk_a_1080p.mp4` reduced to 720p, 24 frames, B an office
clip in 720p; C, D, E are three native 720p clips of calls, 12 frames. Gain in dB **over another bicubic**: on A it
has the figures of OpenCV's, which is sharper than the one above and leaves less to gain: on A, 180:720, 0.26 dB on
clean input and 0.17 dB behind h264:28. There it has 31.80 and 30.25 dB, at 360:720 39.37 and 35.32 dB.

| x4, 180:720 | parameters | ms | A, clean | B, clean | A, h264:28 |
|---|---|---|---|---|---|
| FSRCNN | | 44 | +0.33 | -0.40 | |
| ESPCN | | 42 | +0.40 | -0.24 | +0.29 |
| SPANF | 148k | 107 | +4.59 | +2.07 | +1.08 |
| SPAN28 | 146k | 117 | +4.95 | +2.06 | +1.16 |
| ESPAN (NTIRE 2025) | 192k | 112 | +5.13 | +2.15 | |
| EFDN | 276k | 220 | +5.03 | +2.25 | +1.14 |
| realesr-animevideov3 (trained against a discriminator) | 621k | 315 | -0.92 | -5.37 | |

| x4, 180:720 | clean: C / D / E | h264:28: C / D / E |
|---|---|---|
| ESPCN | +0.04 / -0.26 / +0.05 | +0.03 / -0.15 / +0.02 |
| SPAN28 | +3.16 / +2.07 / +2.44 | +0.05 / -0.33 / +0.61 |
| EFDN | +3.29 / +2.27 / +2.67 | -0.06 / -0.24 / +0.65 |
| ESPAN | +3.34 / +2.18 / +2.52 | +0.19 / -0.18 / +0.67 |

| x2 | ms 360:720 | A 360:720 | B 360:720 | A 180:360 | A 360:720, h264:28 |
|---|---|---|---|---|---|
| ESPCN | 170 to 230 | +1.29 | -0.36 | +1.28 | +0.60 |
| RT4KSR (152k parameters) | 124 to 150 | +3.70 | +1.40 | +2.83 | +0.47 |"""
