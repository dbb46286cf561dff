// Rows of numbers: what the model computes with.  They are float32, as MAX's are; sums
// are added up in float64.
"use strict";

class Matrix {
  // `data` has the rows one after the other.
  constructor(rows, columns, data = new Float32Array(rows * columns)) {
    Object.assign(this, { rows, columns, data });
  }

  // A list of lists, or a list of numbers as one row.
  static from(lists) {
    const rows = Array.isArray(lists[0]) ? lists : [lists];
    const data = Float32Array.from(rows.flat());
    return new Matrix(rows.length, rows[0].length, data);
  }

  // The rows of all of them, one below the other.
  static stacked(parts) {
    const rows = parts.reduce((sum, part) => sum + part.rows, 0);
    const all = new Matrix(rows, parts[0].columns);
    let start = 0;
    for (const { data } of parts) {
      all.data.set(data, start);
      start += data.length;
    }
    return all;
  }

  // All of them beside each other.
  static beside(parts) {
    const columns = parts.reduce((sum, part) => sum + part.columns, 0);
    const all = new Matrix(parts[0].rows, columns);
    let start = 0;
    for (const part of parts) {
      for (let i = 0; i < all.rows; i++) all.row(i).set(part.row(i), start);
      start += part.columns;
    }
    return all;
  }

  // A row, which is no copy.
  row(i) {
    const start = i * this.columns;
    return this.data.subarray(start, start + this.columns);
  }

  // Rows from `start` to `end`, which are no copy either.
  slice(start, end = this.rows) {
    const { columns, data } = this;
    return new Matrix(
      end - start,
      columns,
      data.subarray(start * columns, end * columns),
    );
  }

  // Columns from `start` to `end`.
  cut(start, end) {
    const part = new Matrix(this.rows, end - start);
    for (let i = 0; i < this.rows; i++) {
      part.row(i).set(this.row(i).subarray(start, end));
    }
    return part;
  }

  // The rows with these numbers: gather.
  pick(ids) {
    const found = new Matrix(ids.length, this.columns);
    ids.forEach((id, i) => found.row(i).set(this.row(id)));
    return found;
  }

  // The same numbers, in the same order, as so many rows.
  reshaped(rows, columns) {
    return new Matrix(rows, columns, this.data);
  }

  get transposed() {
    const { rows, columns, data } = this;
    const turned = new Matrix(columns, rows);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) turned.data[j * rows + i] = data[i * columns + j];
    }
    return turned;
  }

  // A change of each number.
  map(change) {
    const changed = new Matrix(this.rows, this.columns);
    const { data } = this;
    for (let i = 0; i < data.length; i++) changed.data[i] = change(data[i], i);
    return changed;
  }

  // A change of each row: a Float32Array to one of the same length.
  eachRow(change) {
    const changed = new Matrix(this.rows, this.columns);
    for (let i = 0; i < this.rows; i++) changed.row(i).set(change(this.row(i)));
    return changed;
  }

  // Adds a matrix of the same shape, or one row to every row.
  plus({ data }) {
    const { length } = data;
    if (length === this.data.length) return this.map((number, i) => number + data[i]);
    return this.eachRow((row) => row.map((number, i) => number + data[i]));
  }

  times(factor) {
    return this.map((number) => number * factor);
  }

  // this @ other: [m, k] and [k, n] to [m, n].
  matmul(other) {
    return this.matmulTransposed(other.transposed);
  }

  // this @ other.T: [m, k] and [n, k] to [m, n].  Two rows and four columns at a time,
  // as far as there are so many: then each number that is fetched is used several times,
  // which is four times as fast.
  matmulTransposed(other) {
    const [m, k, n] = [this.rows, this.columns, other.rows];
    const product = new Matrix(m, n);
    const [a, b, out] = [this.data, other.data, product.data];
    const [even, fours] = [m - (m % 2), n - (n % 4)];
    for (let j = 0; j < fours; j += 4) {
      const b0 = j * k;
      const b1 = b0 + k;
      const b2 = b1 + k;
      const b3 = b2 + k;
      for (let i = 0; i < even; i += 2) {
        const a0 = i * k;
        const a1 = a0 + k;
        let [s0, s1, s2, s3, t0, t1, t2, t3] = [0, 0, 0, 0, 0, 0, 0, 0];
        for (let p = 0; p < k; p++) {
          const x = a[a0 + p];
          const y = a[a1 + p];
          const c0 = b[b0 + p];
          const c1 = b[b1 + p];
          const c2 = b[b2 + p];
          const c3 = b[b3 + p];
          s0 += x * c0;
          s1 += x * c1;
          s2 += x * c2;
          s3 += x * c3;
          t0 += y * c0;
          t1 += y * c1;
          t2 += y * c2;
          t3 += y * c3;
        }
        out.set([s0, s1, s2, s3], i * n + j);
        out.set([t0, t1, t2, t3], i * n + n + j);
      }
      if (even < m) {
        const a0 = even * k;
        let [s0, s1, s2, s3] = [0, 0, 0, 0];
        for (let p = 0; p < k; p++) {
          const x = a[a0 + p];
          s0 += x * b[b0 + p];
          s1 += x * b[b1 + p];
          s2 += x * b[b2 + p];
          s3 += x * b[b3 + p];
        }
        out.set([s0, s1, s2, s3], even * n + j);
      }
    }
    for (let j = fours; j < n; j++) {
      for (let i = 0; i < m; i++) out[i * n + j] = dot(this.row(i), other.row(j));
    }
    return product;
  }
}
